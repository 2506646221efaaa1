import { AwsError } from '../front/aws-error.ts';
import { authorize, ownerOf, required, topicOf, type Call, type Operation } from './call.ts';
import { requestConfirmation } from './delivery.ts';
import {
  changeSubscription,
  invalid,
  isPending,
  subscribe,
  type Subscription,
  type Topic,
} from './topics.ts';

/** The operations on subscriptions. Source: https://docs.aws.amazon.com/sns/latest/api/API_Operations.html */
export const subscriptionOperations: Record<string, Operation> = {
  Subscribe: {
    known: ['TopicArn', 'Protocol', 'Endpoint', 'Attributes', 'ReturnSubscriptionArn'],
    run: (call) => {
      const { input, accountId } = call;
      const [protocol, endpoint] = [required(input, 'Protocol'), required(input, 'Endpoint')];
      const topic = topicOf(call, 'Subscribe', { 'sns:protocol': protocol, 'sns:endpoint': endpoint });
      const attributes = Object.fromEntries(
        input.entries('Attributes').map(({ key = '', value = '' }) => [key, value]),
      );
      const subscription = subscribe(topic, { accountId, protocol, endpoint, attributes });
      requestConfirmation(call, topic, subscription);
      const isTold = subscription.confirmationToken === null || input.flag('ReturnSubscriptionArn') === true;
      return { SubscriptionArn: isTold ? subscription.arn : 'pending confirmation' };
    },
  },
  ConfirmSubscription: {
    known: ['TopicArn', 'Token', 'AuthenticateOnUnsubscribe'],
    run: (call) => {
      const topic = call.topics.existing(required(call.input, 'TopicArn'));
      const token = required(call.input, 'Token');
      const subscription = topic.subscriptions.find((each) => each.confirmationToken === token);
      if (!subscription) throw invalid('Token');
      subscription.confirmationToken = null;
      return { SubscriptionArn: subscription.arn };
    },
  },
  Unsubscribe: {
    known: ['SubscriptionArn'],
    run: (call) => {
      const { topic, subscription } = subscriptionOf(call, 'Unsubscribe');
      topic.subscriptions = topic.subscriptions.filter((each) => each !== subscription);
      return {};
    },
  },
  ListSubscriptionsByTopic: {
    known: ['TopicArn'],
    run: (call) => {
      const topic = topicOf(call, 'ListSubscriptionsByTopic');
      return {
        Subscriptions: topic.subscriptions.map((subscription) => ({
          SubscriptionArn: isPending(subscription) ? 'PendingConfirmation' : subscription.arn,
          Owner: subscription.accountId,
          Protocol: subscription.protocol,
          Endpoint: subscription.endpoint,
          TopicArn: topic.arn,
        })),
      };
    },
  },
  GetSubscriptionAttributes: {
    known: ['SubscriptionArn'],
    run: (call) => {
      const { topic, subscription } = subscriptionOf(call, 'GetSubscriptionAttributes');
      return { Attributes: subscriptionAttributes(topic, subscription) };
    },
  },
  SetSubscriptionAttributes: {
    known: ['SubscriptionArn', 'AttributeName', 'AttributeValue'],
    run: (call) => {
      const { subscription } = subscriptionOf(call, 'SetSubscriptionAttributes');
      const name = required(call.input, 'AttributeName');
      changeSubscription(subscription, { [name]: call.input.text('AttributeValue') ?? '' });
      return {};
    },
  },
};

/**
 * Returns the subscription that the request names. Both the account that subscribed and the topic's owner may use
 * it.
 */
const subscriptionOf = (call: Call, action: string): { topic: Topic; subscription: Subscription } => {
  const arn = required(call.input, 'SubscriptionArn');
  const topic = call.topics.find(arn.slice(0, arn.lastIndexOf(':')));
  const subscription = topic?.subscriptions.find((each) => each.arn === arn);
  const isSubscriber = subscription?.accountId === call.accountId;
  const owner = isSubscriber ? call.accountId : ownerOf(arn);
  authorize(call, action, { arn: topic?.arn ?? arn, ownerId: owner, policy: topic?.policy });
  if (topic && subscription) return { topic, subscription };
  throw new AwsError('NotFound', 'Subscription does not exist', { status: 404 });
};

const subscriptionAttributes = (topic: Topic, subscription: Subscription): Map<string, string> =>
  new Map([
    ['SubscriptionArn', subscription.arn],
    ['TopicArn', topic.arn],
    ['Owner', subscription.accountId],
    ['Protocol', subscription.protocol],
    ['Endpoint', subscription.endpoint],
    ['RawMessageDelivery', String(subscription.isRaw)],
    ['PendingConfirmation', String(isPending(subscription))],
    ...(subscription.deadLetterArn === undefined
      ? []
      : [['RedrivePolicy', JSON.stringify({ deadLetterTargetArn: subscription.deadLetterArn })] as const]),
  ]);
