/** The JSON objects of DynamoDB's protocol, and functions that read them. */
export type Json = Record<string, unknown>;

/** A response of DynamoDB's JSON protocol. */
export interface EngineAnswer {
  status: number;
  body: Json;
}

/** Performs an operation. `input` contains the names of tables, not their ARNs. */
export type EngineCall = (operation: string, input: Json) => Promise<EngineAnswer>;

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the names of a table's key attributes. The argument is the response body of DescribeTable. */
export function keyAttributeNames({ Table: table }: Json): string[] {
  const schema = isJson(table) ? table.KeySchema : undefined;
  return Array.isArray(schema)
    ? schema.map((element: unknown) => String(isJson(element) && element.AttributeName))
    : [];
}

export const isConditionFailure = ({ body }: EngineAnswer): boolean =>
  String(body.__type).endsWith('#ConditionalCheckFailedException');

export const validationException = (message: string): EngineAnswer => ({
  status: 400,
  body: { __type: 'com.amazon.coral.validate#ValidationException', message },
});
