/**
 * The subscription of an existing bucket to the live queue. A bucket has a single notification configuration, which may also hold
 * entries of other teams. Every change replaces the whole configuration, so the entries of others must be written back exactly as
 * they were read.
 */
import { coverWithoutOverlap, filtersOverlap } from './key-filter.ts';
import type { KeyFilter } from './key-filter.ts';

/** The wanted subscription of one bucket. */
export interface SubscriptionProperties {
  bucket: string;
  /**
   * The account that must own the bucket. If our bucket was deleted, another account may have created a bucket with the same name.
   * Without this check, that bucket could be subscribed.
   */
  accountId: string;
  /**
   * With `s3`, the subscription consists of entries for the queue. With `eventbridge`, it is only the flag that lets the bucket
   * notify EventBridge.
   */
  events: 'eventbridge' | 's3';
  queueArn: string;
  /** The prefix of the ids of our entries. */
  idPrefix: string;
  /** S3's names of the events to notify about, like `s3:ObjectCreated:*`. Used only in entries. */
  eventTypes: string[];
  filters: KeyFilter[];
  /** The ids of the rules whose source the bucket is. */
  rules: string[];
}

/**
 * The part of S3's notification configuration that is read here. All other fields are written back unchanged.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html
 */
export interface NotificationConfiguration {
  QueueConfigurations?: (NotificationEntry & { QueueArn: string | undefined })[] | undefined;
  TopicConfigurations?: (NotificationEntry & { TopicArn: string | undefined })[] | undefined;
  LambdaFunctionConfigurations?:
    (NotificationEntry & { LambdaFunctionArn: string | undefined })[] | undefined;
  EventBridgeConfiguration?: object | undefined;
}

export interface NotificationEntry {
  Id?: string | undefined;
  Events: string[] | undefined;
  Filter?: { Key?: { FilterRules?: FilterRule[] | undefined } | undefined } | undefined;
}

interface FilterRule {
  /** The part of the key: `prefix` or `suffix`, in upper or lower case. */
  Name?: string | undefined;
  Value?: string | undefined;
}

/** Thrown if S3 would refuse the subscription, because another target is already notified of the same events. */
export class SubscriptionConflict extends Error {
  override readonly name = 'SubscriptionConflict';
}

/**
 * Returns the bucket's configuration with our subscription, and with no other entries of ours.
 *
 * @throws SubscriptionConflict naming the entries that prevent the subscription
 */
export function subscribed(
  existing: NotificationConfiguration,
  wanted: SubscriptionProperties,
): NotificationConfiguration {
  const foreign = withoutOurs(existing, wanted.idPrefix);
  if (wanted.events === 'eventbridge') {
    return { ...foreign, EventBridgeConfiguration: existing.EventBridgeConfiguration ?? {} };
  }
  refuseOverlap(foreign, wanted);
  const ours = wanted.filters.map((filter, position) => entry(wanted, filter, position));
  return { ...foreign, QueueConfigurations: [...(foreign.QueueConfigurations ?? []), ...ours] };
}

/**
 * Returns the bucket's configuration without our entries. The EventBridge flag stays on, because it costs nothing and others may
 * rely on it by now.
 */
export const unsubscribed = (
  existing: NotificationConfiguration,
  idPrefix: string,
): NotificationConfiguration => withoutOurs(existing, idPrefix);

/** Returns whether the configuration that S3 reports already holds exactly our subscription. */
export function isSubscribed(existing: NotificationConfiguration, wanted: SubscriptionProperties): boolean {
  const ours = (existing.QueueConfigurations ?? []).filter((candidate) => isOurs(candidate, wanted.idPrefix));
  if (wanted.events === 'eventbridge')
    return ours.length === 0 && existing.EventBridgeConfiguration !== undefined;
  const fingerprints = ours.map(fingerprint).toSorted();
  const expected = wanted.filters
    .map((filter, position) => fingerprint(entry(wanted, filter, position)))
    .toSorted();
  return JSON.stringify(fingerprints) === JSON.stringify(expected);
}

/** Returns whether the configuration that S3 reports holds no entry of ours. */
export const isUnsubscribed = (existing: NotificationConfiguration, idPrefix: string): boolean =>
  !(existing.QueueConfigurations ?? []).some((candidate) => isOurs(candidate, idPrefix));

/** Returns true if nothing in the configuration can report an event to us. */
export const lacks = (existing: NotificationConfiguration, wanted: SubscriptionProperties): boolean =>
  wanted.events === 'eventbridge'
    ? existing.EventBridgeConfiguration === undefined
    : isUnsubscribed(existing, wanted.idPrefix);

/** Returns whether both configurations hold the same entries of others. */
export const sameForeign = (
  one: NotificationConfiguration,
  other: NotificationConfiguration,
  idPrefix: string,
): boolean => changedForeign(one, other, idPrefix).length === 0;

/** Describes each entry of others that is in only one of two configurations, or differs between them. */
export const changedForeign = (
  before: NotificationConfiguration,
  after: NotificationConfiguration,
  idPrefix: string,
): string[] => {
  const [former, present] = [before, after].map((each) => describedForeign(each, idPrefix));
  return former === undefined || present === undefined
    ? []
    : [...new Set([...former, ...present])].filter(
        (each) => !former.includes(each) || !present.includes(each),
      );
};

/** Describes all entries of others. */
export const describedForeign = (existing: NotificationConfiguration, idPrefix: string): string[] =>
  entriesWithTarget(withoutOurs(existing, idPrefix)).map(describeEntry);

/**
 * Converts the filters of rules into filters for a notification configuration. S3 requires that special characters are encoded,
 * but does not document which ones. So a prefix is cut before its first special character, and a suffix is cut after its last
 * one. The bucket then notifies about somewhat more keys, and the replicate function ignores the additional keys.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */
export const notificationFilters = (filters: KeyFilter[]): KeyFilter[] =>
  coverWithoutOverlap(
    filters.map(({ prefix, suffix }) => ({
      prefix: /^[\w!.'()/-]*/.exec(prefix)?.[0] ?? '',
      suffix: /[\w!.'()/-]*$/.exec(suffix)?.[0] ?? '',
    })),
  );

const isOurs = ({ Id }: NotificationEntry, idPrefix: string): boolean => Id?.startsWith(idPrefix) ?? false;

function withoutOurs(existing: NotificationConfiguration, idPrefix: string): NotificationConfiguration {
  const queues = existing.QueueConfigurations?.filter((candidate) => !isOurs(candidate, idPrefix));
  return { ...existing, ...(queues ? { QueueConfigurations: queues } : {}) };
}

function entry(wanted: SubscriptionProperties, { prefix, suffix }: KeyFilter, position: number) {
  const rules = [
    ...(prefix === '' ? [] : [{ Name: 'prefix', Value: prefix }]),
    ...(suffix === '' ? [] : [{ Name: 'suffix', Value: suffix }]),
  ];
  return {
    Id: `${wanted.idPrefix}${position + 1}`,
    QueueArn: wanted.queueArn,
    Events: wanted.eventTypes,
    ...(rules.length === 0 ? {} : { Filter: { Key: { FilterRules: rules } } }),
  };
}

/**
 * Returns a string that is the same for equal entries. Event types are sorted, because S3 does not promise to report them in the
 * order in which they were written.
 */
const fingerprint = (candidate: NotificationEntry & { QueueArn: string | undefined }): string =>
  JSON.stringify([
    candidate.Id,
    candidate.QueueArn,
    candidate.Events?.toSorted() ?? [],
    keyFilterOf(candidate),
  ]);

function keyFilterOf({ Filter }: NotificationEntry): KeyFilter {
  const value = (name: string): string =>
    Filter?.Key?.FilterRules?.find(({ Name }) => Name?.toLowerCase() === name)?.Value ?? '';
  return { prefix: value('prefix'), suffix: value('suffix') };
}

/**
 * Throws if entries of others overlap the subscription. S3's own message in this case names neither the entries nor a solution.
 */
function refuseOverlap(foreign: NotificationConfiguration, wanted: SubscriptionProperties): void {
  const inTheWay = entriesWithTarget(foreign).filter(
    (candidate) =>
      candidate.Events?.some((event) => wanted.eventTypes.some((type) => eventTypesOverlap(event, type))) &&
      wanted.filters.some((filter) => filtersOverlap(filter, keyFilterOf(candidate))),
  );
  if (inTheWay.length === 0) return;
  throw new SubscriptionConflict(
    `bucket ${wanted.bucket} already notifies another target of the same events: ${inTheWay.map(describeEntry).join('; ')}. ` +
      'S3 allows only one target for an event type and key. Write `events: eventbridge` in the source of every rule for this ' +
      'bucket in replication.yml: EventBridge takes its copy of the events beside these entries.',
  );
}

const entriesWithTarget = (
  configuration: NotificationConfiguration,
): (NotificationEntry & { target: string })[] => [
  ...(configuration.QueueConfigurations ?? []).map((each) => ({ ...each, target: each.QueueArn ?? '' })),
  ...(configuration.TopicConfigurations ?? []).map((each) => ({ ...each, target: each.TopicArn ?? '' })),
  ...(configuration.LambdaFunctionConfigurations ?? []).map((each) => ({
    ...each,
    target: each.LambdaFunctionArn ?? '',
  })),
];

/**
 * Returns whether two event types overlap. S3 compares event types one by one; `s3:ObjectCreated:*` includes
 * `s3:ObjectCreated:Put` and all similar types.
 */
const eventTypesOverlap = (one: string, other: string): boolean => covers(one, other) || covers(other, one);

const covers = (pattern: string, event: string): boolean =>
  pattern === event || (pattern.endsWith(':*') && event.startsWith(pattern.slice(0, -1)));

function describeEntry(candidate: NotificationEntry & { target: string }): string {
  const { prefix, suffix } = keyFilterOf(candidate);
  return `entry "${candidate.Id ?? ''}" (${candidate.Events?.join(', ') ?? ''} of keys "${prefix}*${suffix}" to ${candidate.target})`;
}
