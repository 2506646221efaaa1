/** The clients and stores of the subscribe function, and the dependencies that it gives each invocation. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { ReplicationError } from '../model/errors.ts';
import type { CheckDependencies } from '../subscription/check-subscriptions.ts';
import { findingText, findingTitle } from '../subscription/finding.ts';
import type { CheckSettings } from '../subscription/subscription-check.ts';
import type { SubscriptionStore } from '../subscription/subscription-record.ts';
import { createAlarmTopic } from './alarm-topic.ts';
import { createSubscriptionStore } from './dynamodb/subscription-store.ts';
import { createBucketNotifications } from './s3/bucket-notifications.ts';

/**
 * How long is reserved for sending the response. Without a response, CloudFormation waits until it aborts the whole deployment.
 */
const RESERVE_MS = 15_000;

export interface SubscribeEnvironment {
  settings: CheckSettings;
  /** Returns the dependencies of one invocation. Calls of S3 and pauses end before the invocation does. */
  invocation(context: Context): CheckDependencies;
}

/** Sets up an execution environment when it starts. Throws when an environment variable is missing. */
export const createSubscribeEnvironment = (variables: NodeJS.ProcessEnv): SubscribeEnvironment => {
  const variable = (name: string): string => {
    const value = variables[name];
    if (value === undefined || value === '') throw new Error(`environment variable ${name} is missing`);
    return value;
  };
  const store = createSubscriptionStore(variable('RUNS_TABLE'));
  const topic = createAlarmTopic(variable('ALARM_TOPIC_ARN'), variable('STACK'));
  const options = variable('COMMAND_OPTIONS');
  const repairs = variable('LOST_SUBSCRIPTIONS') === 'alarm' ? 'never' : 'sparingly';
  return {
    settings: { options, repairs },
    invocation(context) {
      const signal = AbortSignal.timeout(context.getRemainingTimeInMillis() - RESERVE_MS);
      return {
        store: waitingForPermission(store, signal),
        notifications: createBucketNotifications(signal),
        clock: { now: Date.now, sleep: (ms) => sleep(ms, undefined, { signal }) },
        announce: (finding) => topic.tell(findingTitle(finding), findingText(finding, options)),
      };
    },
  };
};

/**
 * Repeats calls that the table refuses. A deployment may have granted the permissions a moment ago, and IAM needs up to a minute to apply
 * them everywhere. If the invocation has no time left to wait, the refusal is thrown, so that the deployment reports it.
 */
const waitingForPermission = (store: SubscriptionStore, signal: AbortSignal): SubscriptionStore => {
  const patiently =
    <Given extends unknown[], Answer>(call: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      for (let pauseMs = 1_000; ; pauseMs *= 2) {
        try {
          return await call(...given);
        } catch (error) {
          const isDenied = error instanceof ReplicationError && error.reason === 'access-denied';
          if (!isDenied || pauseMs > LONGEST_PAUSE_MS) throw error;
          await sleep(pauseMs, undefined, { signal }).catch(() => {
            throw error;
          });
        }
      }
    };
  return {
    list: patiently(store.list),
    find: patiently(store.find),
    want: patiently(store.want),
    advance: patiently(store.advance),
    remove: patiently(store.remove),
  };
};

/** How long the last pause is. All pauses together take 63 seconds. */
const LONGEST_PAUSE_MS = 32_000;
