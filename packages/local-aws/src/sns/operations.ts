import { randomUUID } from 'node:crypto';
import type { Authorizer, PolicyDocument } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { QueueSender } from '../core/delivery.ts';
import type { AwsRequest } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import type { QueryInput } from '../front/query-input.ts';
import type { QueryOutput } from '../front/query-xml.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { parsePolicy } from '../iam/policy.ts';
import { contentOf, parseMessageContent } from '../sqs/message-content.ts';
import { requestConfirmation, type Publication } from './delivery.ts';
import {
  changeSubscription,
  invalid,
  subscribe,
  topicArn,
  type Subscription,
  type Topic,
  type Topics,
} from './topics.ts';

/** One request to SNS, with what answering it takes. */
export interface Call {
  request: AwsRequest;
  input: QueryInput;
  accountId: string;
  authorizer: Authorizer;
  clock: Clock;
  queues: QueueSender;
  topics: Topics;
  publish(topic: Topic, publication: Publication): void;
}

interface Operation {
  /** Fields of the request; others are refused. */
  known: string[];
  run(call: Call): QueryOutput;
}

/** Source: https://docs.aws.amazon.com/sns/latest/api/API_Operations.html */
export const snsOperations: Record<string, Operation> = {
  CreateTopic: {
    known: ['Name', 'Attributes', 'Tags'],
    run: (call) => {
      const place = { accountId: call.accountId, region: call.request.region };
      const name = required(call.input, 'Name');
      authorize(call, 'CreateTopic', topicArn(place, name), place.accountId);
      const topic = call.topics.create(place, name);
      for (const { key = '', value = '' } of call.input.entries('Attributes'))
        setTopicAttribute(topic, key, value);
      return { TopicArn: topic.arn };
    },
  },
  DeleteTopic: {
    known: ['TopicArn'],
    run: (call) => {
      const arn = required(call.input, 'TopicArn');
      const topic = call.topics.find(arn);
      authorize(call, 'DeleteTopic', arn, arn.split(':')[4] ?? '', topic);
      call.topics.delete(arn);
      return {};
    },
  },
  ListTopics: {
    known: [],
    run: (call) => {
      authorize(call, 'ListTopics', '*', call.accountId);
      const topics = call.topics.list(call.accountId, call.request.region);
      return { Topics: topics.map(({ arn }) => ({ TopicArn: arn })) };
    },
  },
  GetTopicAttributes: {
    known: ['TopicArn'],
    run: (call) => ({ Attributes: topicAttributes(topicOf(call, 'GetTopicAttributes')) }),
  },
  SetTopicAttributes: {
    known: ['TopicArn', 'AttributeName', 'AttributeValue'],
    run: (call) => {
      const topic = topicOf(call, 'SetTopicAttributes');
      setTopicAttribute(
        topic,
        required(call.input, 'AttributeName'),
        call.input.text('AttributeValue') ?? '',
      );
      return {};
    },
  },
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
  Publish: {
    known: ['TopicArn', 'TargetArn', 'Message', 'Subject', 'MessageAttributes'],
    run: (call) => {
      const topic = topicOf(call, 'Publish');
      const publication = publicationOf(call.input);
      call.publish(topic, publication);
      return { MessageId: publication.messageId };
    },
  },
};

const required = (input: QueryInput, name: string): string => {
  const value = input.text(name);
  if (value !== undefined && value !== '') return value;
  throw invalid(`${name} Reason: no value for required parameter`);
};

const authorize = (
  call: Call,
  action: string,
  resource: string,
  resourceAccountId: string,
  topic?: Topic,
  context?: Record<string, string>,
): void => {
  const question = {
    caller: call.request.caller,
    action: `sns:${action}`,
    resource,
    resourceAccountId,
    resourcePolicy: topic?.policy,
    secureTransport: call.request.secureTransport,
    context,
  };
  const decision = call.authorizer.decide(question);
  if (decision.allowed) return;
  throw new AwsError('AuthorizationError', accessDeniedMessage(question, decision.reason), { status: 403 });
};

/** The topic of the request, once the caller may do `action` with it. Whether it exists is told only then. */
const topicOf = (call: Call, action: string, context?: Record<string, string>): Topic => {
  const { input, topics } = call;
  const arn = input.text('TopicArn') ?? required(input, 'TargetArn');
  if (!/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+$/.test(arn)) throw invalid('TopicArn');
  authorize(call, action, arn, arn.split(':')[4] ?? '', topics.find(arn), context);
  return topics.existing(arn);
};

/** Subscriptions belong to who subscribed, and to the topic's owner. */
const subscriptionOf = (call: Call, action: string): { topic: Topic; subscription: Subscription } => {
  const arn = required(call.input, 'SubscriptionArn');
  const topic = call.topics.find(arn.slice(0, arn.lastIndexOf(':')));
  const subscription = topic?.subscriptions.find((each) => each.arn === arn);
  const isSubscriber = subscription?.accountId === call.accountId;
  const owner = isSubscriber ? call.accountId : (arn.split(':')[4] ?? '');
  authorize(call, action, topic?.arn ?? arn, owner, topic);
  if (topic && subscription) return { topic, subscription };
  throw new AwsError('NotFound', 'Subscription does not exist', { status: 404 });
};

const isPending = (subscription: Subscription): boolean => subscription.confirmationToken !== null;

/** A policy that is not understood is refused, as UnsupportedPolicy. */
export const setTopicPolicy = (topic: Topic, policy: PolicyDocument): void => {
  parsePolicy(policy, 'resource');
  topic.policy = policy;
};

const setTopicAttribute = (topic: Topic, name: string, value: string): void => {
  if (name === 'DisplayName') topic.displayName = value;
  else if (name === 'Policy') setTopicPolicy(topic, JSON.parse(value));
  else throw notSupported(`the topic attribute ${name}`);
};

const topicAttributes = (topic: Topic): Map<string, string> => {
  const pending = topic.subscriptions.filter(isPending).length;
  return new Map([
    ['TopicArn', topic.arn],
    ['Owner', topic.accountId],
    ['DisplayName', topic.displayName],
    ['SubscriptionsPending', String(pending)],
    ['SubscriptionsConfirmed', String(topic.subscriptions.length - pending)],
    ...(topic.policy ? [['Policy', JSON.stringify(topic.policy)] as const] : []),
  ]);
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

const LARGEST_MESSAGE_BYTES = 262_144;

/** Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const publicationOf = (input: QueryInput): Publication => {
  const message = input.text('Message') ?? '';
  const subject = input.text('Subject');
  if (message === '') throw invalid('Empty message');
  if (subject !== undefined && !/^[\x20-\x7e]{1,100}$/.test(subject)) throw invalid('Subject');
  const attributes = new Map(
    input.entries('MessageAttributes').map((entry) => {
      const { Name: name = '', 'Value.DataType': type = '' } = entry;
      const { 'Value.StringValue': text, 'Value.BinaryValue': binary } = entry;
      const value = {
        DataType: type,
        ...(text !== undefined && { StringValue: text }),
        ...(binary !== undefined && { BinaryValue: binary }),
      };
      // The rules for one attribute are those of SQS.
      parseMessageContent({ MessageBody: 'x', MessageAttributes: { [name]: value } });
      return [name, value] as const;
    }),
  );
  if (contentOf(message, attributes).sizeBytes > LARGEST_MESSAGE_BYTES) throw invalid('Message too long');
  return { messageId: randomUUID(), message, subject, attributes };
};
