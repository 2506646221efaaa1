/**
 * The shared record of the circuits: one item of the idempotency table, so that one read shows all destinations. The name of an attribute
 * is a letter and the name of a destination or of an execution environment.
 */
import { createHash } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { CIRCUITS_ID } from '../../model/rule.ts';
import type { CircuitRecord, CircuitStore, Hanging, OpenCircuit } from '../../delivery/circuits.ts';
import { ORIGINS } from '../../delivery/retry.ts';
import { isRecord, type JsonRecord } from '../../model/json.ts';
import { answersOf, type ServiceAnswers } from '../../model/service-answers.ts';
import { ALL_REASONS } from '../../model/reasons.ts';
import { translateTableError } from '../errors.ts';
import { askTable, openTable } from './table.ts';

const OPEN = 'o:';
/** The keys that failed, as a set. */
const KEYS = 'k:';
/** When the first of these keys failed. */
const SINCE = 's:';
const HANGING = 'h:';
/** What a service answered. */
const SERVICE = 'v:';

/** Opens the table in `region`; null: the region of the environment. */
export const createCircuitStore = (tableName: string, region: string | null = null): CircuitStore => {
  const table = openTable(tableName, region, (error, operation) =>
    translateTableError(error, `${operation} of the circuits`),
  );
  const Key = { id: CIRCUITS_ID };
  const load = async (): Promise<CircuitRecord> => {
    const command = new GetCommand({ TableName: table.name, Key });
    const { Item: item } = await askTable(table, 'GetItem', () => table.client.send(command));
    return recordOf(item ?? {});
  };
  const update = async (input: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<CircuitRecord> => {
    const command = new UpdateCommand({ ...input, TableName: table.name, Key, ReturnValues: 'ALL_NEW' });
    try {
      return recordOf((await table.client.send(command)).Attributes ?? {});
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return await load();
      throw table.failure(error, 'UpdateItem');
    }
  };
  return {
    load,
    suspect: (destination, key, nowMs) =>
      update({
        UpdateExpression: 'ADD #keys :key SET #since = if_not_exists(#since, :now)',
        ExpressionAttributeNames: { '#keys': KEYS + destination, '#since': SINCE + destination },
        ExpressionAttributeValues: { ':key': new Set([shortName(key)]), ':now': nowMs },
      }),
    // If a success has cleared the failures in the meantime, the condition fails, and the circuit stays closed.
    open: (destination, circuit) =>
      update({
        UpdateExpression: 'SET #open = :circuit',
        ConditionExpression: 'attribute_exists(#keys) AND attribute_not_exists(#open)',
        ExpressionAttributeNames: { '#open': OPEN + destination, '#keys': KEYS + destination },
        ExpressionAttributeValues: { ':circuit': { ...circuit } },
      }),
    close: (destination) =>
      update({
        UpdateExpression: 'REMOVE #open, #keys, #since',
        ExpressionAttributeNames: {
          '#open': OPEN + destination,
          '#keys': KEYS + destination,
          '#since': SINCE + destination,
        },
      }),
    hang: (environment, hanging) =>
      update({
        UpdateExpression: 'SET #hanging = :hanging',
        ExpressionAttributeNames: { '#hanging': HANGING + environment },
        ExpressionAttributeValues: { ':hanging': { ...hanging } },
      }),
    keepAnswers: (destination, answers) => update(keepingAnswers(destination, answers)),
    answered: (environment) =>
      update({
        UpdateExpression: 'REMOVE #hanging',
        ExpressionAttributeNames: { '#hanging': HANGING + environment },
      }),
  };
};

const keepingAnswers = (destination: string, answers: ServiceAnswers) => ({
  UpdateExpression: 'SET #service = :answers',
  ExpressionAttributeNames: { '#service': SERVICE + destination },
  ExpressionAttributeValues: { ':answers': { ...answers } },
});

/** Shortens a key, which may have a kilobyte, because the record has to stay small. */
const shortName = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

const recordOf = (item: JsonRecord): CircuitRecord => {
  const named = <T>(letter: string, read: (value: unknown) => T | null): Map<string, T> => {
    const found = new Map<string, T>();
    for (const [name, value] of Object.entries(item)) {
      const parsed = name.startsWith(letter) ? read(value) : null;
      if (parsed !== null) found.set(name.slice(letter.length), parsed);
    }
    return found;
  };
  const since = named(SINCE, (value) => Number(value));
  const keys = named(KEYS, (value) => (value instanceof Set ? value.size : 0));
  return {
    open: named(OPEN, openCircuit),
    suspects: new Map(
      [...keys].map(([name, count]) => [name, { keys: count, sinceMs: since.get(name) ?? 0 }]),
    ),
    hanging: named(HANGING, hangingIn),
    services: named(SERVICE, answersIn),
  };
};

const answersIn = (value: unknown): ServiceAnswers | null => {
  if (!isRecord(value) || !isRecord(value['answers'])) return null;
  const given = value['answers'];
  return {
    answers: answersOf((question) => given[question]),
    isVersioned: value['isVersioned'] === true,
    askedMs: Number(value['askedMs']),
    left: Array.isArray(value['left']) ? value['left'].map(String) : [],
  };
};

const openCircuit = (value: unknown): OpenCircuit | null => {
  if (!isRecord(value)) return null;
  const reason = ALL_REASONS.find((known) => known === value['reason']) ?? 'service-error';
  return { sinceMs: Number(value['sinceMs']), reason, detail: String(value['detail']) };
};

const hangingIn = (value: unknown): Hanging | null => {
  if (!isRecord(value)) return null;
  const pool = ORIGINS.find((known) => known === value['pool']);
  return pool === undefined
    ? null
    : { pool, destination: String(value['destination']), untilMs: Number(value['untilMs']) };
};
