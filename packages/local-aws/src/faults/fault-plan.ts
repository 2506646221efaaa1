import type { Clock } from '../core/clock.ts';
import type {
  DeletingFault,
  Fault,
  FaultPlan,
  InvocationFault,
  MessageInQuestion,
  ReceivingFault,
  SendingFault,
} from '../core/fault.ts';
import type { AwsRequest } from '../core/request.ts';
import { operationName, s3Place } from '../front/operation-name.ts';
import { draw } from './draw.ts';
import {
  describeRule,
  type FaultRule,
  isInvocationRule,
  isMessageRule,
  isRequestRule,
  matches,
  matchesMessage,
  type MessageRule,
  type Occasion,
  queueName,
  type RequestRule,
} from './fault-rule.ts';
import { createHeldMessages } from './held-messages.ts';
import { messageKey } from './message-key.ts';
import { createRuleBook, type InjectedFault, type RuleBook } from './rule-book.ts';

/** A fault plan that is built from rules. Usage: `aws.faults.plan = createFaultPlan({ seed, rules })`. */
export interface RuledFaultPlan extends FaultPlan {
  readonly seed: number;
  readonly rules: readonly FaultRule[];
  /** All faults injected so far, in order. A test can check here that a fault occurred. */
  injected(): readonly InjectedFault[];
  /** Returns how often a fault was injected. `ruleOrKind` is the name of a rule or a kind of fault. */
  count(ruleOrKind: string): number;
  /** The messages that are currently held back from their queues. */
  held(): MessageInQuestion[];
  /** Describes the seed, the rules and the injected faults as text. The same seed and rules give the same plan. */
  describe(): string;
  release(): void;
}

export interface FaultPlanOptions {
  rules: readonly FaultRule[];
  /** The seed of all random decisions. The default is 1. */
  seed?: number;
  /** The clock for rules with `fromMs` or `untilMs`. The default is the clock of this machine. */
  clock?: Clock;
}

/** Creates a plan from rules. The first rule that applies to a request, message or invocation determines the fault. */
export const createFaultPlan = ({
  rules,
  seed = 1,
  clock = { now: Date.now },
}: FaultPlanOptions): RuledFaultPlan => {
  const book = createRuleBook(seed, clock);
  const held = createHeldMessages();
  const draws = new Map<string, number>();
  const source: RuleSource = { rules, book };
  return Object.assign((request: AwsRequest) => hitRequest(source, request), {
    seed,
    rules,
    sending: (message: MessageInQuestion) => hitMessage(source, isSending, 'message sent', message),
    hold: (message: MessageInQuestion, send: () => void, fault: SendingFault) =>
      held.hold(message, send, fault.kind === 'overtake-message' ? fault.by : Infinity),
    sent: (message: MessageInQuestion) => held.passed(message),
    receiving: (message: MessageInQuestion) => hitMessage(source, isReceiving, 'message received', message),
    deleting: (message: MessageInQuestion) => hitMessage(source, isDeleting, 'message deleted', message),
    next: (queueArn: string, count: number) => {
      if (!isShuffled(rules, queueArn)) return 0;
      const turn = draws.get(queueArn) ?? 0;
      draws.set(queueArn, turn + 1);
      return Math.floor(draw(seed, 'shuffle', queueName(queueArn), turn) * count);
    },
    invocation: (functionName: string) => hitInvocation(source, functionName),
    release: () => held.release(),
    injected: () => book.injected,
    count: (ruleOrKind: string) =>
      book.injected.filter(({ rule, fault }) => rule === ruleOrKind || fault.kind === ruleOrKind).length,
    held: () => held.list(),
    describe: () => describePlan(seed, rules, book.injected, held.list()),
  });
};

/** The rules, and the record of what they have matched and injected so far. */
interface RuleSource {
  rules: readonly FaultRule[];
  book: RuleBook;
}

const hit = <R extends FaultRule>(
  { rules, book }: RuleSource,
  isMeant: (rule: FaultRule) => rule is R,
  doesMatch: (rule: R) => boolean,
  occasion: Occasion,
): R | undefined =>
  rules.find(
    (rule, index): rule is R => isMeant(rule) && doesMatch(rule) && book.decide(index, rule, occasion),
  );

const hitRequest = (source: RuleSource, request: AwsRequest): Fault | undefined => {
  const operation = request.operation ?? operationName(request);
  const { bucket, key } = request.service === 's3' ? s3Place(request.path) : { bucket: '', key: '' };
  const caller = 'arn' in request.caller ? request.caller.arn : request.caller.kind;
  const doesMatch = (rule: RequestRule): boolean =>
    matches(rule.operation, operation) &&
    matches(rule.bucket, bucket) &&
    matches(rule.key, key) &&
    matches(rule.caller, caller);
  return hit(source, isRequestRule, doesMatch, {
    what: operation,
    subject: key === '' ? bucket : `${bucket}/${key}`,
  })?.fault;
};

const hitMessage = <F extends MessageRule['fault']>(
  source: RuleSource,
  isOfKind: (fault: MessageRule['fault']) => fault is F,
  what: string,
  message: MessageInQuestion,
): F | undefined => {
  const key = messageKey(message.body);
  const subject = `${queueName(message.queueArn)} ${key}`.trimEnd();
  const isMeant = (rule: FaultRule): rule is MessageRule & { fault: F } =>
    isMessageRule(rule) && isOfKind(rule.fault);
  return hit(source, isMeant, (rule) => matchesMessage(rule, message, key), { what, subject })?.fault;
};

const hitInvocation = (source: RuleSource, functionName: string): InvocationFault | undefined =>
  hit(source, isInvocationRule, (rule) => matches(rule.function, functionName), {
    what: 'invocation',
    subject: functionName,
  })?.fault;

const isShuffled = (rules: readonly FaultRule[], queueArn: string): boolean =>
  rules.some(
    (rule) =>
      isMessageRule(rule) &&
      rule.fault.kind === 'shuffle' &&
      (matches(rule.queue, queueArn) || matches(rule.queue, queueName(queueArn))),
  );

const isReceiving = (fault: MessageRule['fault']): fault is ReceivingFault => fault.kind === 'visible-again';
const isDeleting = (fault: MessageRule['fault']): fault is DeletingFault => fault.kind === 'forget-delete';
const isSending = (fault: MessageRule['fault']): fault is SendingFault =>
  !isReceiving(fault) && !isDeleting(fault) && fault.kind !== 'shuffle';

const describePlan = (
  seed: number,
  rules: readonly FaultRule[],
  injected: readonly InjectedFault[],
  held: MessageInQuestion[],
): string => {
  const counted = rules.map((rule) => {
    const name = rule.name ?? describeRule(rule);
    const count = injected.filter((each) => each.rule === name && each.fault === rule.fault).length;
    return `  ${count}× ${rule.name === undefined ? '' : `${rule.name}: `}${describeRule(rule)}`;
  });
  const happened = injected.map(({ atMs, what, subject, fault }) =>
    `  ${atMs} ms  ${fault.kind}  ${what} ${subject}`.trimEnd(),
  );
  return [
    `fault plan, seed ${seed}`,
    ...counted,
    ...(happened.length === 0 ? [] : ['injected:', ...happened]),
    ...(held.length === 0 ? [] : [`held back: ${held.length} messages`]),
  ].join('\n');
};
