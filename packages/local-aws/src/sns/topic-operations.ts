import { randomUUID } from 'node:crypto';
import type { PolicyDocument, PolicyKeeper } from '../core/access.ts';
import { notSupported } from '../front/aws-error.ts';
import type { QueryInput } from '../front/query-input.ts';
import { InvalidPrincipal, MalformedPolicy } from '../iam/policy-errors.ts';
import { contentOf, parseMessageContent } from '../sqs/message-content.ts';
import { authorize, ownerOf, required, topicOf, type Call, type Operation } from './call.ts';
import type { Publication } from './delivery.ts';
import { invalid, isPending, topicArn, type Topic } from './topics.ts';

/** The operations on topics. Source: https://docs.aws.amazon.com/sns/latest/api/API_Operations.html */
export const topicOperations: Record<string, Operation> = {
  CreateTopic: {
    known: ['Name', 'Attributes', 'Tags'],
    run: (call) => {
      const place = { accountId: call.accountId, region: call.request.region };
      const name = required(call.input, 'Name');
      authorize(call, 'CreateTopic', { arn: topicArn(place, name), ownerId: place.accountId });
      const topic = call.topics.create(place, name);
      for (const { key = '', value = '' } of call.input.entries('Attributes'))
        setTopicAttribute(call, topic, { name: key, value });
      return { TopicArn: topic.arn };
    },
  },
  DeleteTopic: {
    known: ['TopicArn'],
    run: (call) => {
      const arn = required(call.input, 'TopicArn');
      const topic = call.topics.find(arn);
      authorize(call, 'DeleteTopic', { arn, ownerId: ownerOf(arn), policy: topic?.policy });
      call.topics.delete(arn);
      return {};
    },
  },
  ListTopics: {
    known: [],
    run: (call) => {
      authorize(call, 'ListTopics', { arn: '*', ownerId: call.accountId });
      const topics = call.topics.list(call.accountId, call.request.region);
      return { Topics: topics.map(({ arn }) => ({ TopicArn: arn })) };
    },
  },
  GetTopicAttributes: {
    known: ['TopicArn'],
    run: (call) => ({ Attributes: topicAttributes(topicOf(call, 'GetTopicAttributes'), call.authorizer) }),
  },
  SetTopicAttributes: {
    known: ['TopicArn', 'AttributeName', 'AttributeValue'],
    run: (call) => {
      const topic = topicOf(call, 'SetTopicAttributes');
      const name = required(call.input, 'AttributeName');
      setTopicAttribute(call, topic, { name, value: call.input.text('AttributeValue') ?? '' });
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

/** Sets the policy of a topic. Throws InvalidParameter for a policy that AWS rejects. */
export const setTopicPolicy = (topic: Topic, policy: PolicyDocument, keeper: PolicyKeeper): void => {
  try {
    topic.policy = keeper.keep(policy, 'resource');
  } catch (error) {
    if (error instanceof InvalidPrincipal) throw invalid('Policy Error: PrincipalNotFound');
    if (error instanceof MalformedPolicy) throw invalid(`Policy statement is invalid: ${error.message}`);
    throw error;
  }
};

const setTopicAttribute = (
  { authorizer }: Call,
  topic: Topic,
  { name, value }: { name: string; value: string },
): void => {
  if (name === 'DisplayName') topic.displayName = value;
  else if (name === 'Policy') setTopicPolicy(topic, JSON.parse(value), authorizer);
  else throw notSupported(`the topic attribute ${name}`);
};

const topicAttributes = (topic: Topic, keeper: PolicyKeeper): Map<string, string> => {
  const pending = topic.subscriptions.filter(isPending).length;
  return new Map([
    ['TopicArn', topic.arn],
    ['Owner', topic.accountId],
    ['DisplayName', topic.displayName],
    ['SubscriptionsPending', String(pending)],
    ['SubscriptionsConfirmed', String(topic.subscriptions.length - pending)],
    ...(topic.policy ? [['Policy', JSON.stringify(keeper.show(topic.policy))] as const] : []),
  ]);
};

const MAX_MESSAGE_BYTES = 262_144;

/** Reads the message of a Publish request. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
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
      // SNS and SQS have the same rules for attributes, so this uses the check of SQS.
      parseMessageContent({ MessageBody: 'x', MessageAttributes: { [name]: value } });
      return [name, value] as const;
    }),
  );
  if (contentOf(message, attributes).sizeBytes > MAX_MESSAGE_BYTES) throw invalid('Message too long');
  return { messageId: randomUUID(), message, subject, attributes };
};
