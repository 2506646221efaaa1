import type { PolicyDocument } from './core.ts';
import { AwsError, notSupported } from './front/aws-error.ts';
import { parsePolicy } from './iam/policy.ts';
import type { ResourcePlace, ResourceProvider } from './resource-provider.ts';

export interface Topic {
  arn: string;
  policy: PolicyDocument | undefined;
  subscriptions: Subscription[];
}

export interface Subscription {
  arn: string;
  protocol: string;
  endpoint: string;
}

/** Topics as alarms need them: they exist and have a policy. Nothing is published. */
export interface Sns {
  /** AWS::SNS::Topic */
  topicResource: ResourceProvider;
  /** AWS::SNS::TopicPolicy */
  topicPolicyResource: ResourceProvider;
  /** AWS::SNS::Subscription by e-mail or HTTP, which stay pending until a person confirms them. */
  subscriptionResource: ResourceProvider;
  /** `undefined` when there is none. */
  topic(topicArn: string): Topic | undefined;
}

export function createSns(): Sns {
  const topics = new Map<string, Topic>();
  return {
    topic: (arn) => topics.get(arn),
    topicResource: createTopicResource(topics),
    topicPolicyResource: createTopicPolicyResource(topics),
    subscriptionResource: createSubscriptionResource(topics),
  };
}

function createTopicResource(topics: Map<string, Topic>): ResourceProvider {
  const known = ['TopicName', 'DisplayName', 'KmsMasterKeyId', 'Subscription', 'Tags'];
  return {
    create(place, properties) {
      const unknown = Object.keys(properties).find((property) => !known.includes(property));
      if (unknown !== undefined) throw notSupported(`AWS::SNS::Topic ${unknown}`);
      const name = typeof properties.TopicName === 'string' ? properties.TopicName : place.generatedName;
      const arn = topicArn(place, name);
      const { Subscription: subscriptions = [] } = properties;
      if (!Array.isArray(subscriptions)) throw new AwsError('ValidationError', 'Subscription must be a list');
      topics.set(arn, {
        arn,
        policy: topics.get(arn)?.policy,
        subscriptions: subscriptions.map((subscription: unknown, index) =>
          parseSubscription(`${arn}:${index}`, Object(subscription)),
        ),
      });
      return { physicalId: arn, attributes: { TopicArn: arn, TopicName: name } };
    },
    update(place, physicalId, properties) {
      const generatedName = physicalId.slice(physicalId.lastIndexOf(':') + 1);
      return this.create({ ...place, generatedName }, properties);
    },
    delete(_place, physicalId) {
      topics.delete(physicalId);
    },
  };
}

function createTopicPolicyResource(topics: Map<string, Topic>): ResourceProvider {
  const policies = new Map<string, string[]>();
  const put = (id: string, properties: Record<string, unknown>): void => {
    const { Topics: arns, PolicyDocument: document } = properties;
    if (
      !Array.isArray(arns) ||
      typeof document !== 'object' ||
      document === null ||
      !('Statement' in document)
    ) {
      throw new AwsError('ValidationError', 'a topic policy needs Topics and PolicyDocument');
    }
    const policy: PolicyDocument = JSON.parse(JSON.stringify(document));
    parsePolicy(policy, 'resource');
    for (const arn of arns) {
      const topic = topics.get(String(arn));
      if (!topic) throw new AwsError('NotFound', `Topic does not exist: ${String(arn)}`, { status: 404 });
      topic.policy = policy;
    }
    policies.set(id, arns.map(String));
  };
  return {
    create(place, properties) {
      put(place.generatedName, properties);
      return { physicalId: place.generatedName, attributes: { Id: place.generatedName } };
    },
    update(_place, physicalId, properties) {
      put(physicalId, properties);
      return { physicalId, attributes: { Id: physicalId } };
    },
    delete(_place, physicalId) {
      for (const arn of policies.get(physicalId) ?? []) {
        const topic = topics.get(arn);
        if (topic) topic.policy = undefined;
      }
      policies.delete(physicalId);
    },
  };
}

function createSubscriptionResource(topics: Map<string, Topic>): ResourceProvider {
  return {
    create(place, properties) {
      const topic = topics.get(String(properties.TopicArn));
      if (!topic) throw new AwsError('NotFound', 'Topic does not exist', { status: 404 });
      const arn = `${topic.arn}:${place.generatedName}`;
      topic.subscriptions.push(parseSubscription(arn, properties));
      return { physicalId: arn, attributes: {} };
    },
    update(place, physicalId, properties) {
      void this.delete(place, physicalId);
      return this.create(place, properties);
    },
    delete(_place, physicalId) {
      const topic = topics.get(physicalId.slice(0, physicalId.lastIndexOf(':')));
      if (topic)
        topic.subscriptions = topic.subscriptions.filter((subscription) => subscription.arn !== physicalId);
    },
  };
}

function parseSubscription(arn: string, subscription: Record<string, unknown>): Subscription {
  const { Protocol: protocol, Endpoint: endpoint } = subscription;
  if (protocol !== 'email' && protocol !== 'email-json' && protocol !== 'https') {
    throw notSupported(`SNS subscriptions by ${String(protocol)}`);
  }
  return { arn, protocol, endpoint: String(endpoint) };
}

function topicArn({ accountId, region }: ResourcePlace, name: string): string {
  return `arn:aws:sns:${region}:${accountId}:${name}`;
}
