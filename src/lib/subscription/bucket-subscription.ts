/** The custom resource behind each subscription of the stack. */
import { type CustomResource, LeftBehind, memberOf } from './custom-resource.ts';
import { isSubscribed, isUnsubscribed, subscribed, unsubscribed } from './subscription.ts';
import type { SubscriptionProperties } from './subscription.ts';
import { BucketNotificationsError, changeNotifications } from './notification-change.ts';
import type { BucketNotifications, NotificationsProblem } from './notification-change.ts';

export interface Dependencies {
  notifications: BucketNotifications;
  sleep(ms: number): Promise<void>;
}

/**
 * Create and Update change the bucket's configuration so that our entries in it are exactly those of the wanted subscription.
 * Delete removes our entries. All three may be repeated, and they leave the entries of others unchanged.
 */
export const bucketSubscription = ({ notifications, sleep }: Dependencies): CustomResource => {
  const subscribe = (wanted: SubscriptionProperties, through = notifications): Promise<void> =>
    changeNotifications(through, wanted, sleep, {
      isDone: (existing) => isSubscribed(existing, wanted),
      apply: (existing) => subscribed(existing, wanted),
    });
  const unsubscribe = (wanted: SubscriptionProperties): Promise<void> =>
    changeNotifications(notifications, wanted, sleep, {
      isDone: (existing) => isUnsubscribed(existing, wanted.idPrefix),
      apply: (existing) => unsubscribed(existing, wanted.idPrefix),
    });
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
        if (notificationsProblemOf(error) !== 'no-such-bucket') throw advise(error, wanted.bucket);
      });
    },
  };
};

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
        if (notificationsProblemOf(error) === 'failed') written = true;
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

const notificationsProblemOf = (error: unknown): NotificationsProblem | null =>
  error instanceof BucketNotificationsError ? error.problem : null;

const failureText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const FIXES: Record<NotificationsProblem, (bucket: string) => string> = {
  'access-denied': (bucket) =>
    `Check that ${bucket} belongs to this account and that its bucket policy does not deny s3:GetBucketNotification or s3:PutBucketNotification to the subscribe role.`,
  invalid: (bucket) =>
    `Check that every target in the notification configuration of ${bucket} still exists and lets the bucket send: S3 checks all of them, not only ours.`,
  'no-such-bucket': (bucket) => `Create the bucket ${bucket} first, or correct its name in replication.yml.`,
  failed: () => 'Deploy again.',
};

/** Adds advice to the message of the error, because CloudFormation shows only the message. */
function advise(error: unknown, bucket: string): unknown {
  const problem = notificationsProblemOf(error);
  return problem === null
    ? error
    : new Error(`${failureText(error)}. ${FIXES[problem](bucket)}`, { cause: error });
}

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
  return {
    bucket: textProperty(value, 'bucket'),
    accountId: textProperty(value, 'accountId'),
    queueArn: textProperty(value, 'queueArn'),
    idPrefix: textProperty(value, 'idPrefix'),
    events,
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
