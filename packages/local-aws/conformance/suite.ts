/** All behaviours, by group. */
import type { Behaviour, Need } from './behaviour.ts';
import * as archive from './archive.ts';
import * as attributes from './attributes.ts';
import * as checksums from './checksums.ts';
import * as conditions from './conditions.ts';
import * as cloudwatch from './cloudwatch.ts';
import * as conditionalWrites from './conditional-writes.ts';
import * as copy from './copy.ts';
import * as deadLetters from './dead-letters.ts';
import * as dynamodb from './dynamodb.ts';
import * as encryption from './encryption.ts';
import * as errors from './errors.ts';
import * as events from './events.ts';
import * as histories from './histories.ts';
import * as lifecycle from './lifecycle.ts';
import * as listing from './listing.ts';
import * as logs from './logs.ts';
import * as metadata from './metadata.ts';
import * as messageVisibility from './message-visibility.ts';
import * as multipart from './multipart.ts';
import * as multipartCompletion from './multipart-completion.ts';
import * as notificationConfiguration from './notification-configuration.ts';
import * as notifications from './notifications.ts';
import * as lockedBuckets from './locked-buckets.ts';
import * as lockedWrites from './locked-writes.ts';
import * as locks from './object-lock.ts';
import * as objects from './objects.ts';
import * as ownership from './ownership.ts';
import * as policies from './policies.ts';
import * as partChecksums from './part-checksums.ts';
import * as queues from './queues.ts';
import * as ranges from './ranges-and-parts.ts';
import * as customerKeys from './customer-keys.ts';
import * as requestPayment from './request-payment.ts';
import * as secrets from './secrets.ts';
import * as serverSide from './server-side.ts';
import * as sts from './sts.ts';
import * as tags from './tags.ts';
import * as time from './time.ts';
import * as versions from './versions.ts';

export interface NamedBehaviour {
  group: string;
  /** The name of the behaviour. It is unique in the suite. */
  name: string;
  title: string;
  document: string;
  needs: readonly Need[];
  /** True if no other behaviour may run at the same time. */
  alone: boolean;
  run: Behaviour;
}

const GROUPS: Record<string, readonly Record<string, unknown>[]> = {
  objects: [objects],
  versions: [versions],
  conditions: [conditions, conditionalWrites],
  ranges: [ranges],
  multipart: [multipart, multipartCompletion],
  checksums: [checksums, partChecksums],
  attributes: [attributes],
  listing: [listing],
  copy: [copy],
  serverSide: [serverSide],
  metadata: [metadata],
  tags: [tags],
  encryption: [encryption],
  customerKeys: [customerKeys],
  locks: [locks, lockedWrites],
  lockedBuckets: [lockedBuckets],
  ownership: [ownership],
  policies: [policies, requestPayment],
  archive: [archive],
  lifecycle: [lifecycle],
  errors: [errors],
  events: [events],
  histories: [histories],
  notifications: [notifications, notificationConfiguration],
  queues: [queues, messageVisibility, deadLetters],
  secrets: [secrets],
  sts: [sts],
  dynamodb: [dynamodb],
  cloudwatch: [cloudwatch],
  logs: [logs],
  time: [time],
};

/**
 * The group whose behaviours may move the clock. The behaviours of this group therefore run last, one at a
 * time.
 */
const ALONE = 'time';

const isBehaviour = (value: unknown): value is Behaviour =>
  typeof value === 'function' && 'document' in value;

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

export const suite: readonly NamedBehaviour[] = Object.entries(GROUPS).flatMap(([group, modules]) =>
  // The exports are sorted by name, because not every module loader keeps their order.
  modules
    .flatMap((module) => Object.entries(module))
    .toSorted(byName)
    .flatMap(([name, value]) => {
      if (!isBehaviour(value)) return [];
      const { title, document, needs } = value;
      return [{ group, name, title, document, needs, alone: group === ALONE, run: value }];
    }),
);

/**
 * Returns the behaviours whose name or group is one of `words`. Returns all behaviours if `words` is empty.
 * Throws if a word is neither the name of a behaviour nor that of a group.
 */
export const choose = (words: readonly string[]): readonly NamedBehaviour[] => {
  const unknown = words.find((word) => !suite.some(({ group, name }) => word === group || word === name));
  if (unknown !== undefined)
    throw new TypeError(`--only ${unknown}: no behaviour or group has this name (--list shows them)`);
  if (words.length === 0) return suite;
  return suite.filter(({ group, name }) => words.includes(group) || words.includes(name));
};
