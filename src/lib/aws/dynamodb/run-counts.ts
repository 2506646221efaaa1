/**
 * Counters of the replicate function in the table of runs. The counters are sharded because hundreds of invocations add to them at once.
 */
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { addPiece, emptyDelta, type RunCounts, type RunDelta } from '../../delivery/run-counts.ts';
import { opensMs, type RunLimits } from '../../model/run-limits.ts';
import type { CopiedKey } from '../../runs/run.ts';
import { COUNTED_MS, firstOf } from '../../runs/copied-keys.ts';
import { keysIn } from './copy-counters.ts';
import { countKey, expiresSeconds, minutesKey, runKey } from './run-items.ts';
import { documentClient } from './table.ts';

const SHARDS = 16;
const HOUR_MS = 3_600_000;
/** How long the phase of a run is used before it is read again. */
const FRESH_MS = 3_000;

/**
 * Creates the counters of one execution environment. Call this once for each environment. The returned function creates the
 * counts of one invocation.
 */
export const createRunCountsStore = (
  table: string,
  warn: (message: string, error: unknown) => void,
): (() => RunCounts) => {
  // An execution environment always writes the same shard. Each shard has its own lists of keys. If two environments share a shard, the
  // environment that writes a list last replaces the list of the other.
  const shard: Shard = { client: documentClient(null), table, shard: Math.floor(Math.random() * SHARDS) };
  const known = new Map<string, { stopped: Promise<boolean>; atMs: number }>();
  return () => {
    const deltas = new Map<string, RunDelta>();
    return {
      async isStopped(run) {
        const last = known.get(run);
        const isFresh = last !== undefined && Date.now() - last.atMs < FRESH_MS;
        const now = isFresh ? last : { stopped: askStopped(shard, run), atMs: Date.now() };
        known.set(run, now);
        // If the phase cannot be read, the run counts as not stopped, so the work continues.
        return await now.stopped.catch((error: unknown) => {
          warn('the run could not be asked for', error);
          return false;
        });
      },
      count(run, piece) {
        const delta = deltas.get(run) ?? emptyDelta();
        deltas.set(run, delta);
        addPiece(delta, piece);
      },
      async flush() {
        const all = [...deltas];
        deltas.clear();
        await Promise.all(
          all.map(([run, delta]) =>
            addDelta(shard, run, delta).catch((error: unknown) => warn('counts of a run are lost', error)),
          ),
        );
      },
    };
  };
};

interface Shard {
  client: DynamoDBDocumentClient;
  table: string;
  shard: number;
}

const askStopped = async ({ client, table }: Shard, run: string): Promise<boolean> => {
  const { Item: item } = await client.send(
    new GetCommand({
      TableName: table,
      Key: runKey(run),
      ConsistentRead: true,
      ProjectionExpression: 'phase, limits',
    }),
  );
  if (item?.['phase'] === 'paused' || item?.['phase'] === 'cancelled') return true;
  const limits: RunLimits | undefined = item?.['limits'];
  return opensMs(limits, Date.now()) !== null;
};

const addDelta = async (shard: Shard, run: string, { sums, copied, examples }: RunDelta): Promise<void> => {
  const nowMs = Date.now();
  const key = countKey(run, shard.shard);
  const after = await addSums(shard, { key, sums, examples }, nowMs);
  await keepFirst(shard, key, copied, after);
  const minute = Math.floor(nowMs / COUNTED_MS);
  const ofMinute = new Map(
    ['done', 'bytes', 'failed'].flatMap((name) => {
      const amount = sums.get(name) ?? 0;
      return amount === 0 ? [] : [[`${name}.${minute}`, amount]];
    }),
  );
  if (ofMinute.size === 0) return;
  const hour = minutesKey(run, Math.floor(nowMs / HOUR_MS), shard.shard);
  await addSums(shard, { key: hour, sums: ofMinute, examples: new Map() }, nowMs);
};

interface CounterKey {
  run: string;
  item: string;
}

/** Resolves to the item after the addition. Examples that the item has already are kept. */
const addSums = async (
  { client, table }: Shard,
  { key, sums, examples }: { key: CounterKey } & Pick<RunDelta, 'sums' | 'examples'>,
  nowMs: number,
): Promise<Record<string, unknown>> => {
  const names: Record<string, string> = { '#expires': 'expires' };
  const values: Record<string, number | string> = { ':expires': expiresSeconds(nowMs) };
  const additions = [...sums].map(([name, amount], index) => {
    names[`#n${index}`] = name;
    values[`:n${index}`] = amount;
    return `#n${index} :n${index}`;
  });
  const settings = [...examples].map(([reason, example], index) => {
    names[`#e${index}`] = `example.${reason}`;
    values[`:e${index}`] = example;
    return `, #e${index} = if_not_exists(#e${index}, :e${index})`;
  });
  const { Attributes: after = {} } = await client.send(
    new UpdateCommand({
      TableName: table,
      Key: key,
      UpdateExpression: `SET #expires = if_not_exists(#expires, :expires)${settings.join('')} ADD ${additions.join(', ')}`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ReturnValues: 'ALL_NEW',
    }),
  );
  return after;
};

/** Writes the lists of the largest and the slowest copies, if one of `copied` belongs in either list. */
const keepFirst = async (
  { client, table }: Shard,
  Key: CounterKey,
  copied: CopiedKey[],
  item: Record<string, unknown>,
): Promise<void> => {
  const largest = firstOf([...keysIn(item['largest']), ...copied], 'bytes');
  const slowest = firstOf([...keysIn(item['slowest']), ...copied], 'durationMs');
  if (!copied.some((each) => largest.includes(each) || slowest.includes(each))) return;
  await client.send(
    new UpdateCommand({
      TableName: table,
      Key,
      UpdateExpression: 'SET largest = :largest, slowest = :slowest',
      ExpressionAttributeValues: { ':largest': JSON.stringify(largest), ':slowest': JSON.stringify(slowest) },
    }),
  );
};
