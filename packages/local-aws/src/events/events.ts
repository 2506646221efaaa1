import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { AwsService } from '../core/request.ts';
import type { EventBus, QueueSender } from '../core/delivery.ts';
import { createEventsApi } from './events-api.ts';
import { isFunction, parseRule, type Rule, type Target } from './event-rule.ts';
import { AwsError } from '../front/aws-error.ts';
import type { Iam } from '../iam/iam.ts';
import type { LambdaFunction } from '../lambda/lambda-function.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { createDueTimes } from '../scheduler/due-times.ts';
import type { ResourcePlace, ResourceProvider } from '../core/resource-provider.ts';

/** An event that a rule could deliver neither to its target nor to the target's dead-letter queue. */
export interface FailedInvocation {
  ruleArn: string;
  targetArn: string;
  reason: 'denied' | 'no-such-queue' | 'no-such-function';
}

export interface EventBridge extends EventBus, AwsService {
  /** The resource type AWS::Events::Rule. */
  ruleResource: ResourceProvider;
  /** The failed deliveries. EventBridge counts them in the metric FailedInvocations. */
  failedInvocations: FailedInvocation[];
  /** Stops all schedules. */
  stop(): void;
}

interface Host {
  clock: Clock;
  queues: QueueSender;
  iam: Pick<Iam, 'decide'>;
  lambda: Pick<Lambda, 'functionArns'> & {
    invokeText: (...parameters: Parameters<Lambda['invokeText']>) => Promise<unknown>;
    function(nameOrArn: string): Pick<LambdaFunction, 'policy'>;
  };
}

/**
 * Creates the local EventBridge, which has a default event bus in each account and region. Rules have patterns or schedules, and their
 * targets are queues and functions.
 */
export function createEventBridge(host: Host): EventBridge {
  const { clock } = host;
  const rules = new Map<string, Rule>();
  const dueTimes = createDueTimes(clock);
  const failedInvocations: FailedInvocation[] = [];
  const run = (rule: Rule, event: object): void => {
    for (const target of rule.targets) {
      const text = target.input ?? JSON.stringify(event);
      failedInvocations.push(...deliver(host, rule, target, text));
    }
  };
  const schedule = (rule: Rule): void => {
    const { timetable } = rule;
    if (timetable === null) return dueTimes.delete(rule.arn);
    const ring = (dueMs: number): void => {
      if (rule.isEnabled) run(rule, scheduledEvent(rule, dueMs));
    };
    dueTimes.put(rule.arn, { timetable, fromMs: clock.now() + 1, endMs: null, ring });
  };
  const bus: EventBus = {
    putEvent({ accountId, region, source, detailType, resources, detail }) {
      const event = {
        version: '0',
        id: randomUUID(),
        'detail-type': detailType,
        source,
        account: accountId,
        time: new Date(clock.now()).toISOString().replace(/\.\d+/, ''),
        region,
        resources,
        detail,
      };
      for (const rule of rules.values()) {
        const isMeant =
          rule.isEnabled && rule.accountId === accountId && rule.region === region && rule.matches(event);
        if (isMeant) run(rule, event);
      }
      return event.id;
    },
  };
  return {
    ...bus,
    ...createEventsApi(rules, { iam: host.iam, bus }),
    failedInvocations,
    stop: () => dueTimes.stop(),
    ruleResource: createRuleResource(rules, clock, schedule, (arn) => dueTimes.delete(arn)),
  };
}

/**
 * Returns the event that a rule with a schedule sends.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
 */
const scheduledEvent = ({ arn, accountId, region }: Rule, scheduledMs: number): object => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: accountId,
  time: new Date(scheduledMs).toISOString().replace(/\.\d+/, ''),
  region,
  resources: [arn],
  detail: {},
});

/**
 * Sends an event to a target. If the target refuses the event, sends it to the target's dead-letter queue immediately, because EventBridge
 * does not retry when a permission is missing. Returns a failure if the dead-letter queue refuses the event too.
 */
function deliver(host: Host, rule: Rule, target: Target, text: string): FailedInvocation[] {
  const reason = isFunction(target.arn)
    ? invoke(host, rule, target.arn, text)
    : send(host, rule, target.arn, text);
  if (reason === 'sent') return [];
  if (target.deadLetterArn !== undefined && send(host, rule, target.deadLetterArn, text) === 'sent')
    return [];
  return [{ ruleArn: rule.arn, targetArn: target.arn, reason }];
}

const send = (
  { queues }: Host,
  rule: Rule,
  queueArn: string,
  body: string,
): 'sent' | 'denied' | 'no-such-queue' =>
  queues.sendAsService({
    body,
    service: SERVICE,
    sourceArn: rule.arn,
    sourceAccount: rule.accountId,
    queueArn,
  });

const SERVICE = 'events.amazonaws.com';

/** Invokes a function asynchronously, if the policy of the function allows the rule to invoke it. */
const invoke = (
  { iam, lambda }: Host,
  rule: Rule,
  functionArn: string,
  event: string,
): 'sent' | 'denied' | 'no-such-function' => {
  if (!lambda.functionArns().includes(functionArn)) return 'no-such-function';
  const { allowed } = iam.decide({
    caller: { kind: 'service', service: SERVICE, sourceArn: rule.arn, sourceAccount: rule.accountId },
    action: 'lambda:InvokeFunction',
    resource: functionArn,
    resourceAccountId: functionArn.split(':')[4] ?? '',
    resourcePolicy: lambda.function(functionArn).policy(),
    secureTransport: true,
  });
  if (!allowed) return 'denied';
  // The delivery succeeds when Lambda accepts the event. A later failure of the function is not a failure of the rule.
  lambda.invokeText(functionArn, event, { type: 'Event' }).catch(() => undefined);
  return 'sent';
};

function createRuleResource(
  rules: Map<string, Rule>,
  clock: Clock,
  schedule: (rule: Rule) => void,
  unschedule: (ruleArn: string) => void,
): ResourceProvider {
  const put = (place: ResourcePlace, name: string, properties: Record<string, unknown>): string => {
    const rule = parseRule(place, name, properties, clock.now());
    rules.set(rule.arn, rule);
    schedule(rule);
    return rule.arn;
  };
  const arnOf = ({ accountId, region }: ResourcePlace, name: string): string =>
    `arn:aws:events:${region}:${accountId}:rule/${name}`;
  return {
    create(place, properties) {
      const name = typeof properties.Name === 'string' ? properties.Name : place.generatedName;
      if (rules.has(arnOf(place, name))) throw new AwsError('AlreadyExists', `rule ${name} already exists`);
      return { physicalId: name, attributes: { Arn: put(place, name, properties) } };
    },
    update(place, physicalId, properties) {
      if (typeof properties.Name === 'string' && properties.Name !== physicalId)
        return this.create(place, properties);
      return { physicalId, attributes: { Arn: put(place, physicalId, properties) } };
    },
    delete(place, physicalId) {
      const arn = arnOf(place, physicalId);
      rules.delete(arn);
      unschedule(arn);
    },
  };
}
