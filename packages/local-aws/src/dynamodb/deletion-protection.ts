import type { EngineAnswer, EngineCall, Json } from './answer.ts';

/**
 * Adds deletion protection to all tables that `engine` serves. A protected table cannot be deleted.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html
 */
export function withDeletionProtection(engine: EngineCall): EngineCall {
  const protectedTables = new Set<string>();
  const setProtection = (name: string, wanted: unknown): void => {
    if (wanted === true) protectedTables.add(name);
    if (wanted === false) protectedTables.delete(name);
  };
  return async (operation, given) => {
    const name = String(given.TableName);
    if (operation === 'DeleteTable' && protectedTables.has(name)) return REFUSED;
    if (operation !== 'CreateTable' && operation !== 'UpdateTable' && operation !== 'DescribeTable')
      return await engine(operation, given);
    const { DeletionProtectionEnabled: wanted, ...input } = given;
    const isOnlyProtection = operation === 'UpdateTable' && Object.keys(input).length === 1;
    const answer = isOnlyProtection ? await described(engine, name) : await engine(operation, input);
    if (answer.status !== 200) return answer;
    setProtection(name, wanted);
    return { ...answer, body: shown(answer.body, protectedTables.has(name)) };
  };
}

const described = async (engine: EngineCall, name: string): Promise<EngineAnswer> => {
  const answer = await engine('DescribeTable', { TableName: name });
  return answer.status === 200 ? { ...answer, body: { TableDescription: answer.body.Table } } : answer;
};

/** Adds whether the table is protected to the table description in a response. */
const shown = (body: Json, isProtected: boolean): Json =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      (name === 'Table' || name === 'TableDescription') && typeof value === 'object'
        ? { ...value, DeletionProtectionEnabled: isProtected }
        : value,
    ]),
  );

const REFUSED: EngineAnswer = {
  status: 400,
  body: {
    __type: 'com.amazon.coral.validate#ValidationException',
    message:
      'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
  },
};
