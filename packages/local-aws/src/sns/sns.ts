import { randomUUID } from 'node:crypto';
import type { Authorizer, PolicyKeeper } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { QueueSender } from '../core/delivery.ts';
import type { AwsService } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeQueryResult } from '../front/protocol.ts';
import { readQueryInput } from '../front/query-input.ts';
import { queryXml } from '../front/query-xml.ts';
import type { ResourceProvider } from '../core/resource-provider.ts';
import { deliver, requestConfirmation, type FailedDelivery, type Publication } from './delivery.ts';
import { subscriptionOperations } from './subscription-operations.ts';
import { topicOperations } from './topic-operations.ts';
import { createSubscriptionResource, createTopicPolicyResource, createTopicResource } from './resources.ts';
import { createTopics, type Topic } from './topics.ts';

const OPERATIONS = { ...topicOperations, ...subscriptionOperations };

interface ServiceMessage {
  topicArn: string;
  service: string;
  sourceArn: string;
  sourceAccount: string;
}

/** The local SNS, which delivers messages to queues. Subscriptions with other protocols are never confirmed and stay pending. */
export interface Sns extends AwsService {
  /** The resource type AWS::SNS::Topic. */
  topicResource: ResourceProvider;
  /** The resource type AWS::SNS::TopicPolicy. */
  topicPolicyResource: ResourceProvider;
  /** The resource type AWS::SNS::Subscription. */
  subscriptionResource: ResourceProvider;
  /** Returns a topic; `undefined` if it does not exist. */
  topic(topicArn: string): Topic | undefined;
  /**
   * Publishes as an AWS service. The topic's policy must allow the service to publish with the given aws:SourceArn and aws:SourceAccount.
   */
  publishAsService(
    message: ServiceMessage & { subject: string; message: string },
  ): 'sent' | 'denied' | 'no-such-topic';
  /** Returns whether {@link publishAsService} would be allowed. S3 checks this before it stores a notification configuration. */
  mayPublish(message: ServiceMessage): 'allowed' | 'denied' | 'no-such-topic';
  failedDeliveries: FailedDelivery[];
}

export const createSns = (options: { iam: PolicyKeeper; clock: Clock; queues: QueueSender }): Sns => {
  const { iam, ...outside } = options;
  const topics = createTopics();
  const failedDeliveries: FailedDelivery[] = [];
  const publish = (topic: Topic, publication: Publication): void => {
    failedDeliveries.push(...deliver(outside, topic, publication));
  };
  const sns: Sns = {
    failedDeliveries,
    topic: (arn) => topics.find(arn),
    topicResource: createTopicResource(topics),
    topicPolicyResource: createTopicPolicyResource(topics, iam),
    subscriptionResource: createSubscriptionResource(topics, (topic, subscription) =>
      requestConfirmation(outside, topic, subscription),
    ),
    mayPublish: (message) => judge(iam, topics.find(message.topicArn), message),
    publishAsService: ({ subject, message, ...sender }) => {
      const topic = topics.find(sender.topicArn);
      const verdict = judge(iam, topic, sender);
      if (!topic || verdict !== 'allowed') return verdict === 'allowed' ? 'no-such-topic' : verdict;
      publish(topic, { messageId: randomUUID(), message, subject, attributes: new Map() });
      return 'sent';
    },
    handle: async (request, response) => {
      const input = await readQueryInput(request);
      const { action } = input;
      const operation = OPERATIONS[action];
      if (!operation) throw notSupported(`sns:${action}`);
      input.refuseOthers('sns', operation.known);
      const { caller, requestId } = request;
      if (caller.kind === 'service') throw new AwsError('AuthorizationError', 'not for services');
      const accountId = caller.kind === 'anonymous' ? '' : caller.accountId;
      const output = operation.run({
        ...outside,
        request,
        input,
        accountId,
        authorizer: iam,
        topics,
        publish,
      });
      writeQueryResult(response, { action, xmlns: XMLNS, content: queryXml(output), requestId });
    },
  };
  return sns;
};

const XMLNS = 'http://sns.amazonaws.com/doc/2010-03-31/';

const judge = (
  iam: Authorizer,
  topic: Topic | undefined,
  { service, sourceArn, sourceAccount }: ServiceMessage,
): 'allowed' | 'denied' | 'no-such-topic' => {
  if (!topic) return 'no-such-topic';
  const decision = iam.decide({
    caller: { kind: 'service', service, sourceArn, sourceAccount },
    action: 'sns:Publish',
    resource: topic.arn,
    resourceAccountId: topic.accountId,
    resourcePolicy: topic.policy,
    secureTransport: true,
  });
  return decision.allowed ? 'allowed' : 'denied';
};
