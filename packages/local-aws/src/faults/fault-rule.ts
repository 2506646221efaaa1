/** Rules of a fault plan: what fails, when, and how often. */
import type {
  DeletingFault,
  Fault,
  InvocationFault,
  MessageInQuestion,
  ReceivingFault,
  SendingFault,
} from '../core/fault.ts';

/** One rule of a fault plan. All conditions must hold; an absent condition always holds. A `*` stands for any text. */
export type FaultRule = RequestRule | MessageRule | InvocationRule;

/** Which of the matching occasions are hit. They are counted together, or separately for each subject with `per: 'subject'`. */
export interface Frequency {
  /** The rule's name in the record; default a description. */
  name?: string;
  /** The subject is the key of a request, the key that a message reports, or the function of an invocation. Default `rule`. */
  per?: 'rule' | 'subject';
  /** Skips this many occasions first. */
  after?: number;
  /** Then hits every n-th occasion. */
  every?: number;
  /** Maximum number of hits. */
  times?: number;
  /** Hits each occasion with this probability, 0 to 1, drawn from the plan's seed. */
  probability?: number;
  /** Hits only within this time, in milliseconds since the plan was made, by the plan's clock. */
  fromMs?: number;
  untilMs?: number;
}

export interface RequestRule extends Frequency {
  /** Exact: `s3:PutObject`, `sqs:SendMessage`, `dynamodb:PutItem`, `sts:AssumeRole`; or `s3:*`. */
  operation: string;
  bucket?: string;
  /** Decoded. */
  key?: string;
  /** ARN of the caller: a session, e.g. `arn:aws:sts::*:assumed-role/reader/*`, or a root user. */
  caller?: string;
  fault: Fault;
}

export interface MessageRule extends Frequency {
  /** ARN, or name. */
  queue: string;
  /** The decoded object key that a message reports: an S3 event, direct, wrapped by SNS or from EventBridge. */
  key?: string;
  /** `s3.amazonaws.com`, `events.amazonaws.com`, `sns.amazonaws.com`, or `client`. */
  sender?: string;
  fault: SendingFault | ReceivingFault | DeletingFault | ShufflingFault;
}

/** Messages are received in any order, as standard queues may; drawn from the seed, whatever the frequency. */
export interface ShufflingFault {
  kind: 'shuffle';
}

export interface InvocationRule extends Frequency {
  /** Name. */
  function: string;
  fault: InvocationFault;
}

/** An occasion on which a rule may hit. */
export interface Occasion {
  /** The operation, or `message sent`, `message received`, `message deleted`, `invocation`. */
  what: string;
  /** `bucket/key`, `queue-name key`, or the function's name. */
  subject: string;
}

export const isRequestRule = (rule: FaultRule): rule is RequestRule => 'operation' in rule;
export const isMessageRule = (rule: FaultRule): rule is MessageRule => 'queue' in rule;
export const isInvocationRule = (rule: FaultRule): rule is InvocationRule => 'function' in rule;

/** Matches a pattern in which `*` stands for any text, including slashes, and every other character for itself. */
export const matches = (pattern: string | undefined, text: string): boolean => {
  if (pattern === undefined) return true;
  if (!pattern.includes('*')) return pattern === text;
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${expression}$`, 's').test(text);
};

export const matchesMessage = (rule: MessageRule, message: MessageInQuestion, key: string): boolean =>
  (matches(rule.queue, message.queueArn) || matches(rule.queue, queueName(message.queueArn))) &&
  matches(rule.key, key) &&
  matches(rule.sender, message.service ?? 'client');

export const queueName = (queueArn: string): string => queueArn.slice(queueArn.lastIndexOf(':') + 1);

/** A rule as a sentence, e.g. `s3:PutObject of replica/a*: throttle; 3 times, after 1`. */
export const describeRule = (rule: FaultRule): string => {
  const { kind, ...parameters } = rule.fault;
  const values = Object.entries(parameters).map(([name, value]) => `${name} ${String(value)}`);
  const fault = values.length === 0 ? kind : `${kind} (${values.join(', ')})`;
  const when = describeFrequency(rule);
  return `${describeTarget(rule)}: ${fault}${when === '' ? '' : `; ${when}`}`;
};

const describeTarget = (rule: FaultRule): string => {
  if (isInvocationRule(rule)) return `invocations of ${rule.function}`;
  if (isMessageRule(rule)) {
    const from = rule.sender === undefined ? '' : ` from ${rule.sender}`;
    return `messages of ${rule.queue}${rule.key === undefined ? '' : ` about ${rule.key}`}${from}`;
  }
  const place = [rule.bucket, rule.key].some((part) => part !== undefined)
    ? ` of ${rule.bucket ?? '*'}/${rule.key ?? '*'}`
    : '';
  return `${rule.operation}${place}${rule.caller === undefined ? '' : ` by ${rule.caller}`}`;
};

const describeFrequency = (rule: Frequency): string =>
  [
    rule.times === undefined ? '' : `${rule.times} ${rule.times === 1 ? 'time' : 'times'}`,
    rule.after === undefined ? '' : `after ${rule.after}`,
    rule.every === undefined ? '' : `every ${rule.every}`,
    rule.probability === undefined ? '' : `with probability ${rule.probability}`,
    rule.per === 'subject' ? 'each' : '',
    rule.fromMs === undefined ? '' : `from ${rule.fromMs} ms`,
    rule.untilMs === undefined ? '' : `until ${rule.untilMs} ms`,
  ]
    .filter((part) => part !== '')
    .join(', ');
