/** The keys of the table of runs: `run` and, within it, `item`. */
import { createHash } from 'node:crypto';
import type { RunSpec } from '../../runs/run.ts';

/** The `run` of items that concern more than one run. No run has this id. */
export const SHARED = 'runs';

/** How long the items of a run are kept. */
const RUN_SECONDS = 400 * 24 * 3_600;

/** For DynamoDB's time to live: all items of a run expire at once. */
export const expiresSeconds = (createdMs: number): number => Math.floor(createdMs / 1_000) + RUN_SECONDS;

export const runKey = (id: string) => ({ run: id, item: 'run' });

/** `from` null: the prefix of the items of all ranges. A key of S3 can be as long as a sort key may be, hence the hash. */
export const rangeKey = (run: string, epoch: number, from: string | null = null) => ({
  run,
  item: `range#${epoch}#${from === null ? '' : hash(from)}`,
});

export const fileKey = (run: string, epoch: number, key: string | null = null) => ({
  run,
  item: `file#${epoch}#${key === null ? '' : hash(key)}`,
});

export const countKey = (run: string, shard: number) => ({ run, item: `count#${shard}` });

/** Counts per minute, one item for each hour: a run of months would make a single item too large. */
export const minutesKey = (run: string, hour: number, shard: number) => ({
  run,
  item: `count#minutes#${hour}#${shard}`,
});

export const listKey = (id: string) => ({ run: SHARED, item: `run#${id}` });

/** The item that a run holds until it is over. */
export const activeKey = ({
  rule,
  destination,
  prefix,
}: Pick<RunSpec, 'rule' | 'destination' | 'prefix'>) => ({
  run: SHARED,
  item: `active#${rule}/${destination}/${hash(prefix)}`,
});

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
