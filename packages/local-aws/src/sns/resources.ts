import type { PolicyDocument, PolicyKeeper } from '../core/access.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import type { ResourcePlace, ResourceProvider } from '../core/resource-provider.ts';
import { setTopicPolicy } from './topic-operations.ts';
import { changeSubscription, subscribe, topicArn, type Topic, type Topics } from './topics.ts';

const TOPIC_PROPERTIES = ['TopicName', 'DisplayName', 'KmsMasterKeyId', 'Subscription', 'Tags'];

/** The resource type AWS::SNS::Topic. `Ref` returns the topic's ARN. */
export const createTopicResource = (topics: Topics): ResourceProvider => {
  /** By topic, the subscriptions from the topic's own property Subscription. */
  const inline = new Map<string, string[]>();
  const apply = (topic: Topic, properties: Record<string, unknown>): void => {
    refuseOthers('AWS::SNS::Topic', properties, TOPIC_PROPERTIES);
    topic.displayName = String(properties.DisplayName ?? '');
    const { Subscription: wanted = [] } = properties;
    if (!Array.isArray(wanted)) throw new AwsError('ValidationError', 'Subscription must be a list');
    const made = wanted.map((wish: unknown) => {
      const { Protocol: protocol, Endpoint: endpoint, ...others }: Record<string, unknown> = Object(wish);
      refuseOthers('AWS::SNS::Topic Subscription', others, []);
      const { accountId } = topic;
      return subscribe(topic, {
        accountId,
        protocol: String(protocol),
        endpoint: String(endpoint),
        attributes: {},
      }).arn;
    });
    const gone = (inline.get(topic.arn) ?? []).filter((arn) => !made.includes(arn));
    topic.subscriptions = topic.subscriptions.filter(({ arn }) => !gone.includes(arn));
    inline.set(topic.arn, made);
  };
  return {
    create: (place, properties) => {
      const name = typeof properties.TopicName === 'string' ? properties.TopicName : place.generatedName;
      if (topics.find(topicArn(place, name))) {
        throw new AwsError(
          'AlreadyExists',
          `Resource of type 'AWS::SNS::Topic' with identifier '${topicArn(place, name)}' already exists.`,
        );
      }
      const topic = topics.create({ accountId: place.accountId, region: place.region }, name);
      try {
        apply(topic, properties);
      } catch (error) {
        topics.delete(topic.arn);
        throw error;
      }
      return created(topic);
    },
    update(place, physicalId, properties) {
      const { TopicName: name } = properties;
      if (typeof name === 'string' && topicArn(place, name) !== physicalId)
        return this.create(place, properties);
      const topic = topics.existing(physicalId);
      apply(topic, properties);
      return created(topic);
    },
    delete: (_place, physicalId) => {
      inline.delete(physicalId);
      topics.delete(physicalId);
    },
  };
};

const created = ({ arn }: Topic) => ({
  physicalId: arn,
  attributes: { TopicArn: arn, TopicName: arn.split(':')[5] ?? '' },
});

/** The resource type AWS::SNS::TopicPolicy. It replaces the whole policy of each topic that it names. */
export const createTopicPolicyResource = (topics: Topics, keeper: PolicyKeeper): ResourceProvider => {
  const policies = new Map<string, string[]>();
  const drop = (arns: string[]): void => {
    for (const arn of arns) {
      const topic = topics.find(arn);
      if (topic) topic.policy = undefined;
    }
  };
  const put = (id: string, properties: Record<string, unknown>): void => {
    const { Topics: arns, PolicyDocument: document } = properties;
    const isPolicy = typeof document === 'object' && document !== null && 'Statement' in document;
    if (!Array.isArray(arns) || !isPolicy) {
      throw new AwsError('ValidationError', 'a topic policy needs Topics and PolicyDocument');
    }
    const policy: PolicyDocument = JSON.parse(JSON.stringify(document));
    for (const arn of arns) setTopicPolicy(topics.existing(String(arn)), policy, keeper);
    drop((policies.get(id) ?? []).filter((arn) => !arns.includes(arn)));
    policies.set(id, arns.map(String));
  };
  return {
    create: (place, properties) => {
      put(place.generatedName, properties);
      return { physicalId: place.generatedName, attributes: { Id: place.generatedName } };
    },
    update: (_place, physicalId, properties) => {
      put(physicalId, properties);
      return { physicalId, attributes: { Id: physicalId } };
    },
    delete: (_place, physicalId) => {
      drop(policies.get(physicalId) ?? []);
      policies.delete(physicalId);
    },
  };
};

/** The resource type AWS::SNS::Subscription. `Ref` returns the subscription's ARN. */
export const createSubscriptionResource = (
  topics: Topics,
  requestConfirmation: (topic: Topic, subscription: ReturnType<typeof subscribe>) => void,
): ResourceProvider => {
  const find = (arn: string) => {
    const topic = topics.find(arn.slice(0, arn.lastIndexOf(':')));
    return { topic, subscription: topic?.subscriptions.find((each) => each.arn === arn) };
  };
  return {
    create: ({ accountId }: ResourcePlace, properties) => {
      const { topicArn: arn, protocol, endpoint, attributes } = parseSubscription(properties);
      const topic = topics.existing(arn);
      const subscription = subscribe(topic, { accountId, protocol, endpoint, attributes });
      requestConfirmation(topic, subscription);
      return { physicalId: subscription.arn, attributes: { Arn: subscription.arn } };
    },
    update(place, physicalId, properties) {
      const wanted = parseSubscription(properties);
      const { topic, subscription } = find(physicalId);
      const isSame =
        topic?.arn === wanted.topicArn &&
        subscription?.protocol === wanted.protocol &&
        subscription.endpoint === wanted.endpoint;
      if (!isSame) return this.create(place, properties);
      // An update sets all attributes, so that those which the template no longer contains return to their
      // defaults.
      changeSubscription(subscription, {
        RawMessageDelivery: 'false',
        RedrivePolicy: '',
        ...wanted.attributes,
      });
      return { physicalId, attributes: { Arn: physicalId } };
    },
    delete: (_place, physicalId) => {
      const { topic } = find(physicalId);
      if (topic) topic.subscriptions = topic.subscriptions.filter((each) => each.arn !== physicalId);
    },
  };
};

const parseSubscription = (properties: Record<string, unknown>) => {
  const { TopicArn: arn, Protocol: protocol, Endpoint: endpoint, ...attributes } = properties;
  return {
    topicArn: String(arn),
    protocol: String(protocol),
    endpoint: String(endpoint),
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
    ),
  };
};

const refuseOthers = (type: string, properties: Record<string, unknown>, known: string[]): void => {
  const unknown = Object.keys(properties).find((property) => !known.includes(property));
  if (unknown !== undefined) throw notSupported(`${type} ${unknown}`);
};
