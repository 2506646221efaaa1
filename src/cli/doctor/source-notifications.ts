/** Finds out whether a source bucket reports its changes to our queue, and what prevents it. */
import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import {
  describedForeign,
  isSubscribed,
  isUnsubscribed,
  type NotificationConfiguration,
  subscribed,
  SubscriptionConflict,
  type SubscriptionProperties,
} from '../../lib/subscription/subscription.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { wantedSubscription } from '../../stack/subscriptions.ts';
import { accountOf, type Context } from './context.ts';
import { type Finding, findingsOf, whyNotChecked } from './finding.ts';
import { DEPLOY, type Fix } from './fix.ts';
import { SOURCE_CAUSES } from './source-causes.ts';
import type { Source } from './source.ts';

const { ok, found, notChecked } = findingsOf('sources', SOURCE_CAUSES);

export const notificationFindings = async (context: Context, source: Source): Promise<Finding[]> => {
  const { bucket, owner } = source;
  const asked = await context.settings.buckets.notifications(bucket);
  if (asked.kind !== 'answer')
    return [notChecked(whyNotChecked('notifications', asked) ?? 'notifications', bucket)];
  const { region, names } = context;
  const queueArn = `arn:${partitionOfRegion(region)}:sqs:${region}:${accountOf(context)}:${names.liveQueue}`;
  const wanted = wantedSubscription(names, source.subscribed, { accountId: owner, queueArn });
  const dead = await deadTargets(context, asked.value);
  return [
    ...dead.map((arn) => deadTargetFinding(context, source, asked.value, arn)),
    ...subscriptionFindings(context, source, asked.value, wanted),
  ];
};

const subscriptionFindings = (
  context: Context,
  { bucket, owner }: Source,
  existing: NotificationConfiguration,
  wanted: SubscriptionProperties,
): Finding[] => {
  const others = describedForeign(existing, wanted.idPrefix).length;
  const untouched =
    others === 0 ? [] : [ok(`${countOf(others, 'entry', 'entries')} of others untouched`, bucket)];
  if (isSubscribed(existing, wanted))
    return [
      ok(
        wanted.events === 's3'
          ? `notifies the live queue (${countOf(wanted.eventTypes.length, 'event type')})`
          : 'EventBridge is on',
        bucket,
      ),
      ...untouched,
    ];
  let next: NotificationConfiguration;
  try {
    next = subscribed(existing, wanted);
  } catch (error) {
    if (!(error instanceof SubscriptionConflict)) throw error;
    return [overlapFinding(context, bucket, error.message)];
  }
  if (!context.isDeployed) return [ok('not subscribed yet: a deployment does it', bucket), ...untouched];
  if (context.stack === null)
    return [
      notChecked(
        'whether it should notify us, which it does not: you may not cloudformation:DescribeStacks',
        bucket,
      ),
      ...untouched,
    ];
  return [
    missingFinding({ bucket, owner, existing, wanted, fix: putFix(context, owner, bucket, next) }),
    ...untouched,
  ];
};

const missingFinding = (seen: {
  bucket: string;
  owner: string;
  existing: NotificationConfiguration;
  wanted: SubscriptionProperties;
  fix: Fix;
}): Finding => {
  const { bucket, existing, wanted, fix } = seen;
  if (wanted.events === 'eventbridge') {
    const isOff = existing.EventBridgeConfiguration === undefined;
    return found(isOff ? 'source-eventbridge-off' : 'source-leftover', {
      subject: bucket,
      text: isOff
        ? 'EventBridge is switched off: no event reaches the queue'
        : 'entries of this deployment are left over beside EventBridge: events come twice',
      fix,
    });
  }
  return found('source-not-notifying', {
    subject: bucket,
    text: isUnsubscribed(existing, wanted.idPrefix)
      ? 'does not notify the live queue: no event reaches it'
      : 'notifies the live queue of other events or keys than the rules need',
    fix,
  });
};

const overlapFinding = (context: Context, bucket: string, text: string): Finding =>
  found('source-overlap', {
    subject: bucket,
    text,
    fix: {
      kind: 'edit',
      account: accountOf(context),
      edit: `write events: eventbridge in the source of every rule for ${bucket} in replication.yml`,
      command: DEPLOY,
    },
  });

/** Resolves to the ARNs of deleted queues that the entries still name. Only queues of this account and region are checked. */
const deadTargets = async (context: Context, existing: NotificationConfiguration): Promise<string[]> => {
  const own = `:sqs:${context.region}:${accountOf(context)}:`;
  const arns = (existing.QueueConfigurations ?? []).flatMap(({ QueueArn: arn = '' }) =>
    arn.includes(own) ? [arn] : [],
  );
  const dead = await Promise.all(
    [...new Set(arns)].map(async (arn) => {
      const asked = await context.settings.resources.queueUrl(arn.split(':').at(-1) ?? '');
      return asked.kind === 'missing' ? [arn] : [];
    }),
  );
  return dead.flat();
};

const deadTargetFinding = (
  context: Context,
  { bucket, owner }: Source,
  existing: NotificationConfiguration,
  arn: string,
): Finding => {
  const kept = (existing.QueueConfigurations ?? []).filter(({ QueueArn: target }) => target !== arn);
  return found('source-dead-target', {
    subject: bucket,
    text: `an entry names queue ${arn.split(':').at(-1)}, which is gone: S3 refuses every change of its notifications`,
    fix: putFix(context, owner, bucket, { ...existing, QueueConfigurations: kept }),
  });
};

/** Replaces the whole configuration, because S3 cannot change a part of it. The entries of others are kept. */
const putFix = (
  { region }: Context,
  account: string,
  bucket: string,
  configuration: NotificationConfiguration,
): Fix => ({
  kind: 'aws',
  account,
  region,
  service: 's3api',
  operation: 'put-bucket-notification-configuration',
  input: { Bucket: bucket, NotificationConfiguration: configuration },
});
