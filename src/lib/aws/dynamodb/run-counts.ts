/** Counters of the replicate function in the table of runs: sharded, since hundreds of invocations add to them at once. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ALL_REASONS } from '../../model/reasons.ts';
import { addPiece, emptyDelta, type RunCounts, type RunDelta } from '../../delivery/run-counts.ts';
import type { CopiedKey, CopyCounters } from '../../runs/run.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { countKey, expiresSeconds, minutesKey, runKey } from './run-items.ts';

const SHARDS = 16;
const KEPT_KEYS = 10;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** So long an invocation may go on with what it knows of a run. */
const FRESH_MS = 3_000;

/** One for the execution environment; what it makes is for one invocation. */
export const createRunCountsStore = (
  table: string,
  warn: (message: string, error: unknown) => void,
): (() => RunCounts) => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(CONTROL_CLIENT));
  // Lists of keys are kept per shard, and the last writer wins: an environment always writes the same one.
  const shard = Math.floor(Math.random() * SHARDS);
  const known = new Map<string, { stopped: Promise<boolean>; atMs: number }>();
  const ask = async (run: string): Promise<boolean> => {
    const { Item: item } = await client.send(
      new GetCommand({
        TableName: table,
        Key: runKey(run),
        ConsistentRead: true,
        ProjectionExpression: 'phase',
      }),
    );
    return item?.['phase'] === 'paused' || item?.['phase'] === 'cancelled';
  };
  const add = async (run: string, delta: RunDelta): Promise<void> => {
    const nowMs = Date.now();
    await addTo(client, table, countKey(run, shard), delta.sums, nowMs, delta.copied);
    const done = delta.sums.get('done') ?? 0;
    if (done === 0) return;
    const minute = Math.floor(nowMs / MINUTE_MS);
    const sums = new Map([
      [`done.${minute}`, done],
      [`bytes.${minute}`, delta.sums.get('bytes') ?? 0],
    ]);
    await addTo(client, table, minutesKey(run, Math.floor(nowMs / HOUR_MS), shard), sums, nowMs, []);
  };
  return () => {
    const deltas = new Map<string, RunDelta>();
    return {
      async isStopped(run) {
        const last = known.get(run);
        const isFresh = last !== undefined && Date.now() - last.atMs < FRESH_MS;
        const now = isFresh ? last : { stopped: ask(run), atMs: Date.now() };
        known.set(run, now);
        // Nobody can say: it goes on.
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
            add(run, delta).catch((error: unknown) => warn('counts of a run are lost', error)),
          ),
        );
      },
    };
  };
};

const addTo = async (
  client: DynamoDBDocumentClient,
  table: string,
  Key: { run: string; item: string },
  sums: Map<string, number>,
  nowMs: number,
  copied: CopiedKey[],
): Promise<void> => {
  const names: Record<string, string> = { '#expires': 'expires' };
  const values: Record<string, number> = { ':expires': expiresSeconds(nowMs) };
  const additions = [...sums].map(([name, amount], index) => {
    names[`#n${index}`] = name;
    values[`:n${index}`] = amount;
    return `#n${index} :n${index}`;
  });
  const { Attributes: after = {} } = await client.send(
    new UpdateCommand({
      TableName: table,
      Key,
      UpdateExpression: `SET #expires = if_not_exists(#expires, :expires) ADD ${additions.join(', ')}`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ReturnValues: 'ALL_NEW',
    }),
  );
  const before = { largest: keysIn(after['largest']), slowest: keysIn(after['slowest']) };
  const largest = firstOf([...before.largest, ...copied], 'bytes');
  const slowest = firstOf([...before.slowest, ...copied], 'durationMs');
  const isNews = copied.some((each) => largest.includes(each) || slowest.includes(each));
  if (!isNews) return;
  await client.send(
    new UpdateCommand({
      TableName: table,
      Key,
      UpdateExpression: 'SET largest = :largest, slowest = :slowest',
      ExpressionAttributeValues: { ':largest': JSON.stringify(largest), ':slowest': JSON.stringify(slowest) },
    }),
  );
};

const firstOf = (keys: CopiedKey[], by: 'bytes' | 'durationMs'): CopiedKey[] =>
  keys.toSorted((one, other) => other[by] - one[by]).slice(0, KEPT_KEYS);

const keysIn = (attribute: unknown): CopiedKey[] => {
  if (typeof attribute !== 'string') return [];
  const keys: CopiedKey[] = JSON.parse(attribute);
  return keys;
};

/** All shards together. */
export const copyCountersOf = (items: Record<string, unknown>[]): CopyCounters => {
  const sum = (name: string): number => items.reduce((all, item) => all + Number(item[name] ?? 0), 0);
  const named = (begin: string): string[] => [
    ...new Set(items.flatMap((item) => Object.keys(item).filter((name) => name.startsWith(begin)))),
  ];
  const sumsOf = (begin: string): [string, number][] =>
    named(begin).map((name) => [name.slice(begin.length), sum(name)]);
  const lists = (name: string): CopiedKey[] => items.flatMap((item) => keysIn(item[name]));
  const reasons = new Map(sumsOf('reasons.'));
  return {
    done: sum('done'),
    outcomes: Object.fromEntries(sumsOf('outcomes.')),
    failed: sum('failed'),
    reasons: Object.fromEntries(
      ALL_REASONS.flatMap((reason) => (reasons.has(reason) ? [[reason, reasons.get(reason)]] : [])),
    ),
    dropped: sum('dropped'),
    copies: sum('copies'),
    bytes: sum('bytes'),
    minutes: sumsOf('done.')
      .map(([minute, done]) => ({
        minuteMs: Number(minute) * MINUTE_MS,
        done,
        bytes: sum(`bytes.${minute}`),
      }))
      .toSorted((one, other) => one.minuteMs - other.minuteMs),
    largest: firstOf(lists('largest'), 'bytes'),
    slowest: firstOf(lists('slowest'), 'durationMs'),
  };
};
