/** The keys of the table of runs: `run` and, within it, `item`. */
import { createHash } from 'node:crypto';
import type { RunSpec } from '../../runs/run.ts';

/** What concerns more than one run. No run's id is like it. */
export const SHARED = 'runs';

const KEPT_SECONDS = 400 * 24 * 3_600;

/** For DynamoDB's time to live: all items of a run at once. */
export const expiresSeconds = (createdMs: number): number => Math.floor(createdMs / 1_000) + KEPT_SECONDS;

export const runKey = (id: string) => ({ run: id, item: 'run' });

/** Without `from`: what all of a listing begin with. A key of S3 is as long as a sort key may be, hence the hash. */
export const rangeKey = (run: string, epoch: number, from: string | null = null) => ({
  run,
  item: `range#${epoch}#${from === null ? '' : hash(from)}`,
});

export const fileKey = (run: string, epoch: number, key: string | null = null) => ({
  run,
  item: `file#${epoch}#${key === null ? '' : hash(key)}`,
});

export const countKey = (run: string, shard: number) => ({ run, item: `count#${shard}` });

/** Per minute, an hour together: a run of months would make one item too large. */
export const minutesKey = (run: string, hour: number, shard: number) => ({
  run,
  item: `count#minutes#${hour}#${shard}`,
});

export const listKey = (id: string) => ({ run: SHARED, item: `run#${id}` });

/** Held by the run that is not over. */
export const activeKey = ({
  rule,
  destination,
  prefix,
}: Pick<RunSpec, 'rule' | 'destination' | 'prefix'>) => ({
  run: SHARED,
  item: `active#${rule}/${destination}/${hash(prefix)}`,
});

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
