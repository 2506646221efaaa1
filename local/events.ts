import { randomUUID } from 'node:crypto';
import type { Clock, EventBus, QueueSender } from './core.ts';
import { type EventPattern, parseEventPattern } from './event-pattern.ts';
import { AwsError, notSupported } from './front/aws-error.ts';
import type { ResourcePlace, ResourceProvider } from './resource-provider.ts';

/** An event a rule could not hand to its target and had no dead-letter queue for. */
export interface FailedInvocation {
  ruleArn: string;
  targetArn: string;
  reason: 'denied' | 'no-such-queue';
}

export interface EventBridge extends EventBus {
  /** AWS::Events::Rule */
  ruleResource: ResourceProvider;
  /** What the FailedInvocations metric counts. */
  failedInvocations: FailedInvocation[];
}

/** The default event bus of each account and region, with rules whose targets are queues. */
export function createEventBridge({ clock, queues }: { clock: Clock; queues: QueueSender }): EventBridge {
  const rules = new Map<string, Rule>();
  const failedInvocations: FailedInvocation[] = [];
  return {
    failedInvocations,
    ruleResource: createRuleResource(rules),
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
        if (!isMeant) continue;
        for (const target of rule.targets)
          failedInvocations.push(...deliver(queues, rule, target, JSON.stringify(event)));
      }
    },
  };
}

interface Rule {
  arn: string;
  accountId: string;
  region: string;
  isEnabled: boolean;
  matches: EventPattern;
  targets: Target[];
}

interface Target {
  queueArn: string;
  deadLetterArn: string | undefined;
}

/** A refused event goes to the target's dead-letter queue at once: EventBridge does not retry a missing permission. */
function deliver(queues: QueueSender, rule: Rule, target: Target, body: string): FailedInvocation[] {
  const sender = {
    body,
    service: 'events.amazonaws.com',
    sourceArn: rule.arn,
    sourceAccount: rule.accountId,
  };
  const outcome = queues.sendAsService({ ...sender, queueArn: target.queueArn });
  if (outcome === 'sent') return [];
  if (target.deadLetterArn !== undefined) {
    if (queues.sendAsService({ ...sender, queueArn: target.deadLetterArn }) === 'sent') return [];
  }
  return [{ ruleArn: rule.arn, targetArn: target.queueArn, reason: outcome }];
}

function createRuleResource(rules: Map<string, Rule>): ResourceProvider {
  const put = (place: ResourcePlace, name: string, properties: Record<string, unknown>): string => {
    const rule = parseRule(place, name, properties);
    rules.set(rule.arn, rule);
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
      rules.delete(arnOf(place, physicalId));
    },
  };
}

const knownProperties = ['Name', 'Description', 'EventPattern', 'State', 'Targets', 'EventBusName', 'Tags'];

function parseRule(
  { accountId, region }: ResourcePlace,
  name: string,
  properties: Record<string, unknown>,
): Rule {
  const unknown = Object.keys(properties).find((property) => !knownProperties.includes(property));
  if (unknown !== undefined) throw notSupported(`AWS::Events::Rule ${unknown}`);
  const { State: state = 'ENABLED', EventBusName: bus = 'default', Targets: targets = [] } = properties;
  if (bus !== 'default') throw notSupported('event buses other than the default one');
  if (state !== 'ENABLED' && state !== 'DISABLED') throw notSupported(`rule state ${JSON.stringify(state)}`);
  if (!Array.isArray(targets)) throw new AwsError('ValidationError', 'Targets must be a list');
  return {
    arn: `arn:aws:events:${region}:${accountId}:rule/${name}`,
    accountId,
    region,
    isEnabled: state === 'ENABLED',
    matches: parseEventPattern(properties.EventPattern),
    targets: targets.map(parseTarget),
  };
}

function parseTarget(target: unknown): Target {
  const given: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {};
  const { Id: id, Arn: arn, DeadLetterConfig: deadLetter, RetryPolicy: _retryPolicy, ...others } = given;
  const [other] = Object.keys(others);
  if (other !== undefined) throw notSupported(`a rule target with ${other}`);
  if (typeof id !== 'string' || typeof arn !== 'string') {
    throw new AwsError('ValidationError', 'a target needs an Id and an Arn');
  }
  if (!arn.startsWith('arn:aws:sqs:')) throw notSupported(`${arn} as the target of a rule`);
  const hasDeadLetter = typeof deadLetter === 'object' && deadLetter !== null && 'Arn' in deadLetter;
  return { queueArn: arn, deadLetterArn: hasDeadLetter ? String(deadLetter.Arn) : undefined };
}
