/**
 * The subscription of an existing bucket to the live queue. A bucket has one notification configuration that may hold
 * entries of other teams, and every change replaces all of it, so entries of others must stay exactly as they were.
 */
import { coverWithoutOverlap, filtersOverlap } from './key-filter.ts';
import type { KeyFilter } from './key-filter.ts';

/** The wanted subscription of one bucket. */
export interface SubscriptionProperties {
  bucket: string;
  /** Account that must own the bucket: it could have been deleted and created again by another account. */
  accountId: string;
  /** `s3`: entries for the queue; `eventbridge`: only the flag that lets the bucket notify EventBridge. */
  events: 'eventbridge' | 's3';
  queueArn: string;
  /** The prefix of the ids of our entries. */
  idPrefix: string;
  /** S3's names of the events to notify about, like `s3:ObjectCreated:*`; only for entries. */
  eventTypes: string[];
  filters: KeyFilter[];
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html. Only the fields that are
 * read have a name here; the others pass through unchanged.
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
  /** `prefix` or `suffix`, in any case. */
  Name?: string | undefined;
  Value?: string | undefined;
}

/** S3 would refuse the subscription because another target is notified of the same events. */
export class SubscriptionConflict extends Error {
  override readonly name = 'SubscriptionConflict';
}

/**
 * The bucket's configuration with our subscription and no other entries of ours.
 *
 * @throws SubscriptionConflict naming the entries in the way
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
 * The bucket's configuration without our entries. The EventBridge flag stays on: it costs nothing, and others may
 * rely on it by now.
 */
export const unsubscribed = (
  existing: NotificationConfiguration,
  idPrefix: string,
): NotificationConfiguration => withoutOurs(existing, idPrefix);

/** Does the configuration, as S3 reports it, already hold exactly our subscription? */
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

/** Does the configuration, as S3 reports it, hold no entry of ours? */
export const isUnsubscribed = (existing: NotificationConfiguration, idPrefix: string): boolean =>
  !(existing.QueueConfigurations ?? []).some((candidate) => isOurs(candidate, idPrefix));

/**
 * The filters to write into a notification configuration for the filters of rules. S3 requires special characters to be
 * encoded, but does not say which; so only the plain end of a filter is used. The bucket then notifies about somewhat
 * more keys, which the function filters out.
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

/** S3 does not promise to report event types in the order in which they were written. */
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

/** S3's own message for this names neither the entry nor a way out. */
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

/** S3 compares event types one by one, and `s3:ObjectCreated:*` stands for `s3:ObjectCreated:Put` and its like. */
const eventTypesOverlap = (one: string, other: string): boolean => covers(one, other) || covers(other, one);

const covers = (pattern: string, event: string): boolean =>
  pattern === event || (pattern.endsWith(':*') && event.startsWith(pattern.slice(0, -1)));

function describeEntry(candidate: NotificationEntry & { target: string }): string {
  const { prefix, suffix } = keyFilterOf(candidate);
  return `entry "${candidate.Id ?? ''}" (${candidate.Events?.join(', ') ?? ''} of keys "${prefix}*${suffix}" to ${candidate.target})`;
}
