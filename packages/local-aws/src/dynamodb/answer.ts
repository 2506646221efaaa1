/** JSON objects as DynamoDB's protocol carries them, and what their readers share. */
export type Json = Record<string, unknown>;

/** An answer of DynamoDB's JSON protocol. */
export interface EngineAnswer {
  status: number;
  body: Json;
}

/** Performs one operation. `input` names tables by their plain names. */
export type EngineCall = (operation: string, input: Json) => Promise<EngineAnswer>;

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The names of the key attributes of a table, from the body of an answer to DescribeTable. */
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
