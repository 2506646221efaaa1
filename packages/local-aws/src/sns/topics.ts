import { randomBytes, randomUUID } from 'node:crypto';
import type { PolicyDocument } from '../core/access.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';

export interface Topic {
  arn: string;
  accountId: string;
  region: string;
  displayName: string;
  /** The topic's policy. Without a policy, only the topic's own account may use the topic. */
  policy: PolicyDocument | undefined;
  subscriptions: Subscription[];
}

export interface Subscription {
  arn: string;
  /** The account that subscribed. */
  accountId: string;
  protocol: Protocol;
  endpoint: string;
  /** The token that confirms the subscription; null once it is confirmed. */
  confirmationToken: string | null;
  /** True if the endpoint receives only the message, without the JSON document in which SNS otherwise sends it. */
  isRaw: boolean;
  /** ARN of the queue for messages that cannot be delivered. */
  deadLetterArn: string | undefined;
}

const PROTOCOLS = ['sqs', 'email', 'email-json', 'https'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** The topics of all accounts and regions. The functions check no permissions. */
export interface Topics {
  /** Creates a topic, or returns the existing topic of that name. Throws InvalidParameter for an invalid name. */
  create(place: { accountId: string; region: string }, name: string): Topic;
  delete(topicArn: string): void;
  /** Returns a topic; `undefined` if it does not exist. */
  find(topicArn: string): Topic | undefined;
  /** Returns a topic. Throws NotFound if it does not exist. */
  existing(topicArn: string): Topic;
  list(accountId: string, region: string): Topic[];
}

export const createTopics = (): Topics => {
  const topics = new Map<string, Topic>();
  return {
    create: (place, name) => {
      if (!/^[\w-]{1,256}$/.test(name)) {
        throw name.endsWith('.fifo') ? notSupported('FIFO topics') : invalid('Topic Name');
      }
      const arn = topicArn(place, name);
      const topic = topics.get(arn) ?? {
        arn,
        ...place,
        displayName: '',
        policy: undefined,
        subscriptions: [],
      };
      topics.set(arn, topic);
      return topic;
    },
    delete: (arn) => {
      topics.delete(arn);
    },
    find: (arn) => topics.get(arn),
    existing: (arn) => {
      const topic = topics.get(arn);
      if (!topic) throw new AwsError('NotFound', 'Topic does not exist', { status: 404 });
      return topic;
    },
    list: (accountId, region) =>
      [...topics.values()].filter((topic) => topic.accountId === accountId && topic.region === region),
  };
};

export const topicArn = (place: { accountId: string; region: string }, name: string): string =>
  `arn:aws:sns:${place.region}:${place.accountId}:${name}`;

export interface Wish {
  accountId: string;
  protocol: string;
  endpoint: string;
  /** The attributes RawMessageDelivery and RedrivePolicy, each as text. */
  attributes: Record<string, string>;
}

/**
 * Creates a subscription, or returns the existing one. It must then be confirmed, unless its endpoint is a queue of the account that
 * subscribes.
 * Source: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
 */
export const subscribe = (topic: Topic, wish: Wish): Subscription => {
  const protocol = protocolOf(wish);
  const attributes = attributesOf(wish.attributes);
  const known = topic.subscriptions.find(
    (other) => other.protocol === protocol && other.endpoint === wish.endpoint,
  );
  if (known) {
    if (known.isRaw === attributes.isRaw && known.deadLetterArn === attributes.deadLetterArn) return known;
    throw invalid('Attributes Reason: Subscription already exists with different attributes');
  }
  if (attributes.isRaw && protocol.startsWith('email')) {
    throw invalid(`Attributes Reason: RawMessageDelivery is not supported for protocol [${protocol}]`);
  }
  const isOwnQueue = protocol === 'sqs' && wish.endpoint.split(':')[4] === wish.accountId;
  const subscription = {
    arn: `${topic.arn}:${randomUUID()}`,
    accountId: wish.accountId,
    protocol,
    endpoint: wish.endpoint,
    confirmationToken: isOwnQueue ? null : randomBytes(64).toString('hex'),
    ...attributes,
  };
  topic.subscriptions.push(subscription);
  return subscription;
};

const protocolOf = ({ protocol: given, endpoint }: Wish): Protocol => {
  const protocol = PROTOCOLS.find((known) => known === given);
  if (!protocol) throw notSupported(`SNS subscriptions by ${given}`);
  if (protocol === 'sqs' && !/^arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w-]+$/.test(endpoint)) {
    throw invalid('SQS endpoint ARN');
  }
  return protocol;
};

/** Changes the given attributes of a subscription. */
export const changeSubscription = (subscription: Subscription, attributes: Record<string, string>): void => {
  const { isRaw, deadLetterArn } = attributesOf(attributes);
  if ('RawMessageDelivery' in attributes) subscription.isRaw = isRaw;
  if ('RedrivePolicy' in attributes) subscription.deadLetterArn = deadLetterArn;
};

const attributesOf = (attributes: Record<string, string>): Pick<Subscription, 'isRaw' | 'deadLetterArn'> => {
  const { RawMessageDelivery: raw = 'false', RedrivePolicy: redrive = '', ...others } = attributes;
  const [other] = Object.keys(others);
  // Other attributes, such as a filter policy, are errors. If a filter were ignored, the endpoint would receive unwanted messages.
  if (other !== undefined) throw notSupported(`SNS subscriptions with ${other}`);
  if (raw !== 'true' && raw !== 'false')
    throw invalid('Attributes Reason: RawMessageDelivery: Invalid value');
  return { isRaw: raw === 'true', deadLetterArn: deadLetterArnOf(redrive) };
};

const deadLetterArnOf = (redrivePolicy: string): string | undefined => {
  if (redrivePolicy === '' || redrivePolicy === '{}') return undefined;
  const { deadLetterTargetArn: arn }: { deadLetterTargetArn?: unknown } = JSON.parse(redrivePolicy);
  if (typeof arn === 'string' && arn.startsWith('arn:aws:sqs:')) return arn;
  throw invalid('RedrivePolicy: deadLetterTargetArn is not a valid ARN');
};

export const invalid = (what: string): AwsError =>
  new AwsError('InvalidParameter', `Invalid parameter: ${what}`);

export const isPending = (subscription: Subscription): boolean => subscription.confirmationToken !== null;
