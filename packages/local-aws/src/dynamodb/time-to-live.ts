/**
 * The time to live of items, which dynalite does not support. `timeToLive` contains the name of the time-to-live attribute of each table
 * that has time to live enabled.
 */
import type { Clock } from '../core/clock.ts';
import {
  isJson,
  keyAttributeNames,
  validationException,
  type EngineAnswer,
  type EngineCall,
  type Json,
} from './answer.ts';

/** Handles UpdateTimeToLive. Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html */
export async function updateTimeToLive(
  call: EngineCall,
  timeToLive: Map<string, string>,
  input: Json,
): Promise<EngineAnswer> {
  const described = await call('DescribeTable', { TableName: input.TableName });
  if (described.status !== 200) return described;
  const { TimeToLiveSpecification: specification } = input;
  const name = isJson(specification) ? specification.AttributeName : undefined;
  if (!isJson(specification) || typeof name !== 'string' || typeof specification.Enabled !== 'boolean') {
    return validationException(
      'One or more parameter values were invalid: TimeToLiveSpecification must name an attribute',
    );
  }
  const known = timeToLive.get(String(input.TableName));
  if (specification.Enabled === (known !== undefined)) {
    return validationException(
      known === undefined ? 'TimeToLive is already disabled' : 'TimeToLive is already enabled',
    );
  }
  if (specification.Enabled) timeToLive.set(String(input.TableName), name);
  else timeToLive.delete(String(input.TableName));
  return { status: 200, body: { TimeToLiveSpecification: specification } };
}

export async function describeTimeToLive(
  call: EngineCall,
  timeToLive: Map<string, string>,
  input: Json,
): Promise<EngineAnswer> {
  const described = await call('DescribeTable', { TableName: input.TableName });
  if (described.status !== 200) return described;
  const name = timeToLive.get(String(input.TableName));
  const description =
    name === undefined
      ? { TimeToLiveStatus: 'DISABLED' }
      : { TimeToLiveStatus: 'ENABLED', AttributeName: name };
  return { status: 200, body: { TimeToLiveDescription: description } };
}

/**
 * Returns the keys of the expired items. The attribute of an expired item is a time in the past, but at most five years ago, in seconds
 * since the epoch.
 */
export async function expiredKeys(
  call: EngineCall,
  tableName: string,
  attribute: string,
  clock: Clock,
): Promise<Json[]> {
  const names = keyAttributeNames((await call('DescribeTable', { TableName: tableName })).body);
  const nowSeconds = Math.floor(clock.now() / 1000);
  const oldestSeconds = nowSeconds - 5 * 365 * 86_400;
  const keys: Json[] = [];
  let start: unknown;
  do {
    const { body } = await call('Scan', {
      TableName: tableName,
      ...(start !== undefined && { ExclusiveStartKey: start }),
    });
    for (const item of Array.isArray(body.Items) ? body.Items : []) {
      if (!isJson(item)) continue;
      const seconds = secondsOf(item[attribute]);
      if (seconds < nowSeconds && seconds > oldestSeconds) {
        keys.push(Object.fromEntries(names.map((name) => [name, item[name]])));
      }
    }
    start = body.LastEvaluatedKey;
  } while (start !== undefined);
  return keys;
}

const secondsOf = (value: unknown): number =>
  isJson(value) && typeof value.N === 'string' ? Number(value.N) : NaN;
