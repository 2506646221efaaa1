/**
 * The Lambda handler for subscriptions: custom resources that subscribe source buckets while the stack is deployed, and the
 * schedule that checks the subscriptions. All work is done in `lib`.
 */
import type { Context } from 'aws-lambda';
import { createSubscribeEnvironment } from '../lib/aws/subscribe-environment.ts';
import { bucketSubscription } from '../lib/subscription/bucket-subscription.ts';
import { answerCustomResource, memberOf, sendAnswer } from '../lib/subscription/custom-resource.ts';
import { checkOnSchedule, subscriptionCheck } from '../lib/subscription/subscription-check.ts';

const environment = createSubscribeEnvironment(process.env);

export const handler = async (event: unknown, context: Context): Promise<void> => {
  const deps = environment.invocation(context);
  const expected = memberOf(event, 'check');
  if (typeof expected === 'number') return await checkOnSchedule(deps, environment.settings, expected);
  const isCheck = memberOf(event, 'ResourceType') === 'Custom::SubscriptionCheck';
  const resource = isCheck ? subscriptionCheck(deps, environment.settings) : bucketSubscription(deps);
  console.log(JSON.stringify(await answerCustomResource(event, resource, sendAnswer)));
};
