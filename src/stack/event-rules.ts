import type { KeyFilter } from '../lib/subscription/key-filter.ts';
import { ACCOUNT_ID, attribute } from './cloudformation.ts';
import type { Resources } from './cloudformation.ts';
import type { SubscribedBucket } from './source-buckets.ts';

export const eventRuleId = ({ logicalName }: SubscribedBucket): string => `EventRule${logicalName}`;

/**
 * Returns one EventBridge rule for each bucket that notifies EventBridge. The rule forwards the events of the bucket to the live
 * queue.
 */
export const eventRules = (buckets: SubscribedBucket[], stack: string): Resources =>
  Object.fromEntries(
    buckets
      .filter(({ events }) => events === 'eventbridge')
      .map((bucket) => [
        eventRuleId(bucket),
        {
          Type: 'AWS::Events::Rule',
          Properties: {
            Description: `${stack}: changes of objects in ${bucket.bucket}`,
            EventPattern: eventPattern(bucket),
            Targets: [
              {
                Id: 'live-queue',
                Arn: attribute('LiveQueue', 'Arn'),
                // After a day of failed attempts, EventBridge drops an event. With a dead-letter queue the event is kept instead,
                // raises an alarm and can be sent again.
                DeadLetterConfig: { Arn: attribute('LiveDeadLetterQueue', 'Arn') },
              },
            ],
          },
        },
      ]),
  );

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
function eventPattern({ bucket, account, changes, filters }: SubscribedBucket): object {
  const whole = (keys: object): object => ({
    source: ['aws.s3'],
    // If its policy allows it, other accounts may send to the event bus, even events about a bucket with the name of ours.
    account: [account ?? ACCOUNT_ID],
    'detail-type': changes.flatMap(({ detailTypes }) => detailTypes),
    detail: { bucket: { name: [bucket] }, ...keys },
  });
  const matchers = filters.flatMap(keyMatchers);
  if (matchers.includes(null)) return whole({});
  const narrow = whole({ object: { key: matchers } });
  // A pattern that would be too long is used without key filters. The function is then invoked more often, but it filters keys
  // itself.
  return JSON.stringify(narrow).length <= MAXIMUM_PATTERN_LENGTH ? narrow : whole({});
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const MAXIMUM_PATTERN_LENGTH = 2048;

/** Returns the matchers for one filter. The matcher null matches any key. */
function keyMatchers({ prefix, suffix }: KeyFilter): (object | string | null)[] {
  if (prefix === '' && suffix === '') return [null];
  if (suffix === '') return [{ prefix }];
  if (prefix === '') return [{ suffix }];
  return [{ wildcard: `${literal(prefix)}*${literal(suffix)}` }, ...keysWithSharedEnds(prefix, suffix)];
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html */
const literal = (text: string): string => text.replace(/[\\*]/g, (character) => `\\${character}`);

/**
 * Returns the keys in which the prefix and the suffix overlap. The wildcard does not match these keys. For instance, `a-b` has
 * the prefix `a-` and the suffix `-b`.
 */
function keysWithSharedEnds(prefix: string, suffix: string): string[] {
  const keys = [];
  for (let shared = 1; shared <= Math.min(prefix.length, suffix.length); shared++) {
    if (prefix.endsWith(suffix.slice(0, shared))) keys.push(prefix + suffix.slice(shared));
  }
  return keys;
}
