/** The custom resource behind each subscription of the stack. */
import { failureText, failureWithAdvice, problemOf } from './advice.ts';
import { type CustomResource, LeftBehind, memberOf } from './custom-resource.ts';
import { changeNotifications } from './notification-change.ts';
import type { BucketNotifications, ChangedNotifications } from './notification-change.ts';
import { isSubscribed, isUnsubscribed, lacks, subscribed, unsubscribed } from './subscription.ts';
import type { NotificationConfiguration, SubscriptionProperties } from './subscription.ts';
import { newSubscription, type SubscriptionStore } from './subscription-record.ts';

export interface Dependencies {
  notifications: BucketNotifications;
  store: SubscriptionStore;
  clock: { now(): number; sleep(ms: number): Promise<void> };
}

/**
 * Create and Update change the bucket's configuration so that our entries in it are exactly those of the wanted subscription, and
 * record the wanted subscription. Delete removes both. All three may be repeated, and they leave the entries of others unchanged.
 */
export const bucketSubscription = ({ notifications, store, clock }: Dependencies): CustomResource => {
  const subscribe = async (wanted: SubscriptionProperties, through = notifications): Promise<void> => {
    const { before } = await subscribeBucket({ notifications: through, clock }, wanted, true);
    await remember(wanted, before);
  };
  /**
   * Records the subscription that this deployment wants. If the subscription was lost before, the next scheduled check announces
   * the loss.
   */
  const remember = async (
    wanted: SubscriptionProperties,
    before: NotificationConfiguration,
  ): Promise<void> => {
    const former = await store.find(wanted.bucket);
    await store.want(wanted, newSubscription(clock.now()));
    const record = await store.find(wanted.bucket);
    if (record === null) return;
    const { missingSinceMs, goodMs, switchedOnMs } = record.state;
    const isLost = former !== null && lacks(before, former.wanted);
    const isSwitchedOn = wanted.events === 'eventbridge' && lacks(before, wanted);
    await store.advance(record, {
      ...record.state,
      missingSinceMs: missingSinceMs ?? (isLost ? goodMs : null),
      switchedOnMs: isSwitchedOn ? clock.now() : switchedOnMs,
    });
  };
  const unsubscribe = async (wanted: SubscriptionProperties): Promise<void> => {
    // The record is deleted first. Otherwise a scheduled check could make the subscription again.
    await store.remove(wanted.bucket);
    await changeNotifications(notifications, wanted, clock.sleep, {
      isDone: (existing) => isUnsubscribed(existing, wanted.idPrefix),
      apply: (existing) => unsubscribed(existing, wanted.idPrefix),
      isFresh: true,
    });
  };
  return {
    physicalResourceId: (properties) => {
      const { idPrefix, bucket } = parseProperties(properties);
      return idPrefix + bucket;
    },
    create: async (properties) => {
      const wanted = parseProperties(properties);
      const watched = watchWrites(notifications);
      try {
        await subscribe(wanted, watched);
      } catch (error) {
        if (watched.mayHaveWritten()) await unsubscribe(wanted).catch(leftBehind(error));
        throw advise(error, wanted.bucket);
      }
    },
    update: async (properties) => {
      const wanted = parseProperties(properties);
      await subscribe(wanted).catch((error: unknown) => {
        throw advise(error, wanted.bucket);
      });
    },
    delete: async (properties) => {
      const wanted = parseProperties(properties);
      await unsubscribe(wanted).catch((error: unknown) => {
        // S3 deleted the configuration together with the bucket, so a missing bucket is a success. If access is denied, the entry
        // may still exist, so this is a failure. An entry for a deleted queue would make S3 refuse every later change of the
        // configuration, by anyone.
        if (problemOf(error) !== 'no-such-bucket') throw advise(error, wanted.bucket);
      });
    },
  };
};

/**
 * Makes the wanted subscription unless the bucket has it already. `isFresh` is true if the permissions for the subscription may
 * have been granted a moment ago.
 *
 * @throws BucketNotificationsError, SubscriptionConflict
 */
export const subscribeBucket = (
  { notifications, clock }: Pick<Dependencies, 'notifications' | 'clock'>,
  wanted: SubscriptionProperties,
  isFresh: boolean,
): Promise<ChangedNotifications> =>
  changeNotifications(notifications, wanted, clock.sleep, {
    isDone: (existing) => isSubscribed(existing, wanted),
    apply: (existing) => subscribed(existing, wanted),
    isFresh,
  });

/** Records whether S3 may have stored a configuration. After a lost response this is possible. After a refusal it is not. */
function watchWrites(
  notifications: BucketNotifications,
): BucketNotifications & { mayHaveWritten(): boolean } {
  let written = false;
  return {
    get: (...given) => notifications.get(...given),
    put: async (...given) => {
      try {
        await notifications.put(...given);
        written = true;
      } catch (error) {
        if (problemOf(error) === 'failed') written = true;
        throw error;
      }
    },
    mayHaveWritten: () => written,
  };
}

const leftBehind =
  (first: unknown) =>
  (second: unknown): never => {
    throw new LeftBehind(
      `${failureText(first)}; and removing the subscription again failed: ${failureText(second)}`,
    );
  };

/** Adds advice to the message of the error, because CloudFormation shows only the message. */
const advise = (error: unknown, bucket: string): unknown =>
  problemOf(error) === null ? error : new Error(failureWithAdvice(error, bucket), { cause: error });

/**
 * Parses the properties of the custom resource. CloudFormation passes every scalar as text. This loses nothing, because all
 * scalars in our properties are texts.
 */
function parseProperties(value: unknown): SubscriptionProperties {
  const events = memberOf(value, 'events');
  if (events !== 's3' && events !== 'eventbridge') throw malformedProperty('events', events);
  // Stacks deployed by the first version do not have this property, and a rollback uses the properties of the old stack again.
  const eventTypes = memberOf(value, 'eventTypes') ?? ['s3:ObjectCreated:*'];
  if (!Array.isArray(eventTypes)) throw malformedProperty('eventTypes', eventTypes);
  const filters = memberOf(value, 'filters') ?? [];
  if (!Array.isArray(filters)) throw malformedProperty('filters', filters);
  const rules = memberOf(value, 'rules') ?? [];
  if (!Array.isArray(rules)) throw malformedProperty('rules', rules);
  return {
    bucket: textProperty(value, 'bucket'),
    accountId: textProperty(value, 'accountId'),
    queueArn: textProperty(value, 'queueArn'),
    idPrefix: textProperty(value, 'idPrefix'),
    events,
    rules: rules.map(String),
    eventTypes: eventTypes.map(String),
    filters: filters.map((filter) => ({
      prefix: String(memberOf(filter, 'prefix') ?? ''),
      suffix: String(memberOf(filter, 'suffix') ?? ''),
    })),
  };
}

function textProperty(value: unknown, name: string): string {
  const found = memberOf(value, name);
  if (typeof found !== 'string' || found === '') throw malformedProperty(name, found);
  return found;
}

const malformedProperty = (name: string, found: unknown): Error =>
  new Error(
    `the resource property \`${name}\` is ${JSON.stringify(found) ?? 'missing'}: the template was not made by serverless.yml`,
  );
