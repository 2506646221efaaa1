/** The keys of items in the table of runs. The partition key is `run` and the sort key is `item`. */
import { createHash } from 'node:crypto';
import type { RunSpec } from '../../runs/run.ts';

/** The partition key of items that concern more than one run. No run has this id. */
export const SHARED = 'runs';

/** How long the items of a run are kept. */
const RUN_SECONDS = 400 * 24 * 3_600;

/** Calculates the expiry for DynamoDB's time to live from the creation of the run. Therefore all items of a run expire at the same time. */
export const expiresSeconds = (createdMs: number): number => Math.floor(createdMs / 1_000) + RUN_SECONDS;

/** The partition key of the records of subscriptions. No run has this id. */
export const SUBSCRIPTIONS = 'subscriptions';

export const subscriptionKey = (bucket: string) => ({ run: SUBSCRIPTIONS, item: bucket });

/** The partition key of the records of scheduled verifies. No run has this id. */
export const VERIFIES = 'verifies';

export const runKey = (id: string) => ({ run: id, item: 'run' });

/**
 * Returns the key of a range's item. If `from` is null, `item` is the prefix that the items of all ranges share. `from` is hashed
 * because an S3 key alone can be as long as a sort key may be.
 */
export const rangeKey = (run: string, epoch: number, from: string | null = null) => ({
  run,
  item: `range#${epoch}#${from === null ? '' : hash(from)}`,
});

export const fileKey = (run: string, epoch: number, key: string | null = null) => ({
  run,
  item: `file#${epoch}#${key === null ? '' : hash(key)}`,
});

export const countKey = (run: string, shard: number | 'sent') => ({ run, item: `count#${shard}` });

/**
 * Returns the key of the item with the counts per minute. There is one item for each hour, because a single item would become too
 * large in a run that lasts months.
 */
export const minutesKey = (run: string, hour: number, shard: number) => ({
  run,
  item: `count#minutes#${hour}#${shard}`,
});

/** Returns the key of the item that holds the time until which the rate of a run is used up. */
export const rateKey = (run: string) => ({ run, item: 'rate' });

export const listKey = (id: string) => ({ run: SHARED, item: `run#${id}` });

/**
 * Returns the key of an item that exists until the run is over and its end was announced. The schedule tends the runs with such
 * an item.
 */
export const awakeKey = (id: string) => ({ run: SHARED, item: `awake#${id}` });

/**
 * Returns the key of the item that lists the active runs of a rule and destination. No other run over the same keys can begin.
 * All these runs share one item, so only one of several runs that are stored at the same time can begin.
 */
export const activeKey = ({ rule, destination }: Pick<RunSpec, 'rule' | 'destination'>) => ({
  run: SHARED,
  item: `active#${rule}/${destination}`,
});

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The partition key of the records of the brakes. No run has this id. */
export const BRAKES = 'brakes';

export const brakeKey = (name: string) => ({ run: BRAKES, item: name });

/**
 * Returns the partition key of the keys that a brake holds. No run has such an id. The sort key is the held key itself, which
 * fits into a sort key.
 */
export const heldBy = (name: string): string => `held#${name}`;
