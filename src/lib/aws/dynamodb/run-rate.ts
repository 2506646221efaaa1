/**
 * Stores the time until which the rate of a run is used up. The time has its own item in the table of runs, because updates of the run's
 * item would conflict with transactions.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expiresSeconds, rateKey } from './run-items.ts';
import { askTable, type ItemTable } from './table.ts';

/** Accounts for work of this duration. Resolves to the time at which the work may begin: after all earlier work, but not before `nowMs`. */
export const charge = async (
  table: ItemTable,
  id: string,
  durationMs: number,
  nowMs: number,
): Promise<number> => {
  for (;;) {
    const further = await set(
      table,
      id,
      { expression: 'usedMs + :took', condition: 'usedMs >= :now' },
      {
        ':took': durationMs,
        ':now': nowMs,
        ':expires': expiresSeconds(nowMs),
      },
    );
    if (further !== null) return further - durationMs;
    const anew = await set(
      table,
      id,
      { expression: ':until', condition: 'attribute_not_exists(usedMs) OR usedMs < :now' },
      { ':until': nowMs + durationMs, ':now': nowMs, ':expires': expiresSeconds(nowMs) },
    );
    if (anew !== null) return nowMs;
  }
};

/** Resolves to the new time, or to null if the condition does not hold. */
const set = async (
  table: ItemTable,
  id: string,
  { expression, condition }: { expression: string; condition: string },
  values: Record<string, number>,
): Promise<number | null> => {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: rateKey(id),
    UpdateExpression: `SET usedMs = ${expression}, #expires = :expires`,
    ConditionExpression: condition,
    ExpressionAttributeNames: { '#expires': 'expires' },
    ExpressionAttributeValues: values,
    ReturnValues: 'UPDATED_NEW',
  });
  try {
    const { Attributes: after } = await table.client.send(command);
    return Number(after?.['usedMs']);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return null;
    throw table.failure(error, 'UpdateItem');
  }
};

/** Forgets the time that was used up at another rate. */
export const forgetRate = async (table: ItemTable, id: string): Promise<void> => {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: rateKey(id),
    UpdateExpression: 'REMOVE usedMs',
  });
  await askTable(table, 'UpdateItem', () => table.client.send(command));
};
