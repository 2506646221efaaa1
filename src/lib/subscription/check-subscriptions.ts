/**
 * Compares the subscriptions of all buckets with those that the last deployment made, and restores lost ones. Other tools replace
 * the whole configuration of a bucket, and nothing else would notice that replication has ended.
 */
import { failureWithAdvice } from './advice.ts';
import { type Dependencies, subscribeBucket } from './bucket-subscription.ts';
import type { Finding } from './finding.ts';
import { BucketNotificationsError } from './notification-change.ts';
import type { SubscriptionRecord, SubscriptionState } from './subscription-record.ts';
import {
  changedForeign,
  describedForeign,
  isSubscribed,
  sameForeign,
  SubscriptionConflict,
} from './subscription.ts';
import type { NotificationConfiguration } from './subscription.ts';

export interface CheckDependencies extends Dependencies {
  announce(finding: Finding): Promise<void>;
}

/** Which lost subscriptions are restored: all, those that were not restored too often, or none. */
export type Repairs = 'always' | 'sparingly' | 'never';

/** Checks all buckets, one after the other. Resolves to the records as they were before the check, and to the findings. */
export const checkSubscriptions = async (
  deps: CheckDependencies,
  repairs: Repairs,
): Promise<{ records: SubscriptionRecord[]; findings: Finding[] }> => {
  const records = await deps.store.list();
  const findings: Finding[] = [];
  const lost: Lost[] = [];
  for (const record of records) {
    const seen = await look(deps, record);
    if (seen === null) continue;
    if ('kind' in seen) findings.push(seen);
    else lost.push(seen);
  }
  // Another tool may be in the middle of its changes. The configuration is not changed until two reads return the same
  // configuration.
  if (lost.length > 0) await deps.clock.sleep(QUIET_MS);
  for (const each of lost) {
    const finding = await repair(deps, each, repairs);
    if (finding !== null) findings.push(finding);
  }
  return { records, findings };
};

/** How long the configuration of a bucket must stay the same before it is repaired. */
const QUIET_MS = 2_000;

/** A bucket without its subscription, and its configuration. */
interface Lost {
  record: SubscriptionRecord;
  existing: NotificationConfiguration;
}

/** Checks one bucket. Resolves to null if the bucket is subscribed and nothing has to be announced. */
const look = async (deps: CheckDependencies, record: SubscriptionRecord): Promise<Finding | Lost | null> => {
  const { wanted, state } = record;
  let existing: NotificationConfiguration;
  try {
    existing = await deps.notifications.get(wanted.bucket, wanted.accountId);
  } catch (error) {
    if (!(error instanceof BucketNotificationsError)) throw error;
    return await conclude(deps, record, { kind: 'unchecked', why: failureWithAdvice(error, wanted.bucket) });
  }
  if (!isSubscribed(existing, wanted)) return { record, existing };
  if (state.missingSinceMs !== null) return await conclude(deps, record, { kind: 'back' });
  await deps.store.advance(record, { ...state, goodMs: deps.clock.now(), announcedMs: null });
  return null;
};

/**
 * Restores a lost subscription. Resolves to null if a deployment or another check has changed the record since this check began.
 */
const repair = async (
  deps: CheckDependencies,
  { record: earlier, existing }: Lost,
  repairs: Repairs,
): Promise<Finding | null> => {
  const { bucket, accountId, idPrefix } = earlier.wanted;
  const record = await deps.store.find(bucket);
  if (record === null || JSON.stringify(record.wanted) !== JSON.stringify(earlier.wanted)) return null;
  const lost = (why: string) =>
    ({ kind: 'lost', why, others: describedForeign(existing, idPrefix) }) as const;
  try {
    const now = await deps.notifications.get(bucket, accountId);
    if (isSubscribed(now, record.wanted)) return await conclude(deps, record, { kind: 'back' });
    if (!sameForeign(existing, now, idPrefix)) return findingOf(record, lost(BUSY));
    const recent = record.state.repairsMs.filter((ms) => ms > deps.clock.now() - DAY_MS);
    const reason = reasonToLeave(repairs, recent.length, idPrefix);
    if (reason !== null) return await conclude(deps, record, lost(reason));
    const state = begun(record.state, [...recent, deps.clock.now()]);
    if (!(await deps.store.advance(record, state))) return null;
    const { after } = await subscribeBucket(deps, record.wanted, false);
    const others = changedForeign(now, after, idPrefix);
    return await conclude(deps, { ...record, state }, { kind: 'back', others });
  } catch (error) {
    if (!(error instanceof BucketNotificationsError || error instanceof SubscriptionConflict)) throw error;
    const present = (await deps.store.find(bucket)) ?? record;
    return await conclude(deps, present, lost(failureWithAdvice(error, bucket)));
  }
};

const BUSY = 'another tool is changing the configuration just now; the next check looks again.';

/** Returns why a lost subscription is not restored; null: it is restored. */
const reasonToLeave = (repairs: Repairs, count: number, idPrefix: string): string | null => {
  if (repairs === 'never') return '`stack.lostSubscriptions` in replication.yml is `alarm`.';
  if (repairs === 'always' || count < MAXIMUM_REPAIRS) return null;
  return (
    `it was repaired ${count} times within a day, and another tool removes it again. Let that tool keep the entries whose ids ` +
    `begin with "${idPrefix}", or write \`events: eventbridge\`.`
  );
};

/** Maximum number of repairs of one bucket within a day. */
const MAXIMUM_REPAIRS = 3;

const DAY_MS = 24 * 3_600_000;

/**
 * Returns the state at the begin of a repair. It is stored before the repair, so that a repair whose invocation crashed is
 * announced by the next check.
 */
const begun = (state: SubscriptionState, repairsMs: number[]): SubscriptionState => ({
  ...state,
  missingSinceMs: state.missingSinceMs ?? state.goodMs,
  repairsMs,
});

/** Announces a finding, and stores the new state. A lasting problem is announced once a day. */
const conclude = async (
  { announce, store, clock }: CheckDependencies,
  record: SubscriptionRecord,
  found: Found,
): Promise<Finding> => {
  const nowMs = clock.now();
  const { state } = record;
  const finding = findingOf(record, found);
  const isDue = finding.kind === 'back' || state.announcedMs === null || state.announcedMs <= nowMs - DAY_MS;
  if (isDue) await announce(finding);
  await store.advance(record, {
    ...state,
    ...(finding.kind === 'back'
      ? { goodMs: nowMs, missingSinceMs: null, announcedMs: null }
      : {
          missingSinceMs: finding.kind === 'lost' ? finding.sinceMs : state.missingSinceMs,
          announcedMs: isDue ? nowMs : state.announcedMs,
        }),
  });
  return finding;
};

type Found = Pick<Finding, 'kind'> & Partial<Pick<Finding, 'why' | 'others'>>;

const findingOf = ({ wanted, state }: SubscriptionRecord, found: Found): Finding => ({
  wanted,
  sinceMs: state.missingSinceMs ?? state.goodMs,
  why: '',
  others: [],
  ...found,
});
