/** The rules of a fault plan. A rule describes which fault occurs, on which occasions and how often. */
import type {
  DeletingFault,
  Fault,
  InvocationFault,
  MessageInQuestion,
  ReceivingFault,
  SendingFault,
} from '../core/fault.ts';

/**
 * A rule of a fault plan. A rule matches if all its conditions are true; a condition that is absent is true. In a condition, `*` matches
 * any text.
 */
export type FaultRule = RequestRule | MessageRule | InvocationRule;

/** How often a rule injects its fault, among the requests, messages or invocations that match the rule. */
export interface Frequency {
  /** The rule's name in the list of injected faults. The default is a description of the rule. */
  name?: string;
  /**
   * Whether matches are counted for the whole rule, or separately for each subject. The subject is the key in a request or message, or the
   * invoked function. The default is `rule`.
   */
  per?: 'rule' | 'subject';
  /** How many matches are skipped before the first fault. */
  after?: number;
  /** After the skipped matches, only every n-th match gets the fault. */
  every?: number;
  /** Maximum number of faults that the rule injects. */
  times?: number;
  /** The probability, from 0 to 1, that a match gets the fault. The seed of the plan determines the result. */
  probability?: number;
  /** The rule applies from this time on, in milliseconds since the plan was created, by the plan's clock. */
  fromMs?: number;
  /** The rule applies only before this time, in milliseconds since the plan was created, by the plan's clock. */
  untilMs?: number;
}

export interface RequestRule extends Frequency {
  /** The operation, for example `s3:PutObject`, `sqs:SendMessage`, `dynamodb:PutItem`, `sts:AssumeRole` or `s3:*`. */
  operation: string;
  bucket?: string;
  /** The decoded key of the object. */
  key?: string;
  /** The ARN of the caller, which is a session or a root user, e.g. `arn:aws:sts::*:assumed-role/reader/*`. */
  caller?: string;
  fault: Fault;
}

export interface MessageRule extends Frequency {
  /** The ARN or name of the queue. */
  queue: string;
  /** The decoded object key in the S3 event that the message contains, as `messageKey` returns it. */
  key?: string;
  /** The sender: `s3.amazonaws.com`, `events.amazonaws.com`, `sns.amazonaws.com`, or `client`. */
  sender?: string;
  fault: SendingFault | ReceivingFault | DeletingFault | ShufflingFault;
}

/**
 * Makes a queue return its messages in random order, which standard queues may do. The seed of the plan determines the order. The rule's
 * counts and probability have no effect.
 */
export interface ShufflingFault {
  kind: 'shuffle';
}

export interface InvocationRule extends Frequency {
  /** The name of the function. */
  function: string;
  fault: InvocationFault;
}

/** A request, message or invocation to which a rule may apply. */
export interface Occasion {
  /** The operation of a request, or `message sent`, `message received`, `message deleted` or `invocation`. */
  what: string;
  /** `bucket/key` of a request, `queue-name key` of a message, or the name of the invoked function. */
  subject: string;
}

export const isRequestRule = (rule: FaultRule): rule is RequestRule => 'operation' in rule;
export const isMessageRule = (rule: FaultRule): rule is MessageRule => 'queue' in rule;
export const isInvocationRule = (rule: FaultRule): rule is InvocationRule => 'function' in rule;

/** True if the text matches the pattern. In the pattern, `*` matches any text, including slashes. */
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

/** Describes a rule as text, e.g. `s3:PutObject of replica/a*: throttle; 3 times, after 1`. */
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
