/** Parses the properties of an AWS::Events::Rule. */
import { type EventPattern, parseEventPattern } from './event-pattern.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import type { ResourcePlace } from '../core/resource-provider.ts';
import { parseScheduleExpression, type Timetable } from '../scheduler/schedule-expression.ts';

export interface Rule {
  arn: string;
  accountId: string;
  region: string;
  isEnabled: boolean;
  /** The pattern as text; null if the rule has no pattern. */
  pattern: string | null;
  scheduleExpression: string | null;
  matches: EventPattern;
  /** The times at which the rule runs; null without a schedule. */
  timetable: Timetable | null;
  targets: Target[];
}

export interface Target {
  id: string;
  /** The ARN of a queue or a function. */
  arn: string;
  deadLetterArn: string | undefined;
  /** A constant text that the target receives instead of the event; null if the target receives the event. */
  input: string | null;
}

const knownProperties = [
  'Name',
  'Description',
  'EventPattern',
  'ScheduleExpression',
  'State',
  'Targets',
  'EventBusName',
  'Tags',
];

/** Parses a rule. Throws {@link AwsError} for properties that EventBridge would reject or that the local EventBridge does not support. */
export function parseRule(
  { accountId, region }: ResourcePlace,
  name: string,
  properties: Record<string, unknown>,
  nowMs: number,
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
    pattern: patternText(properties),
    scheduleExpression:
      properties.ScheduleExpression === undefined ? null : String(properties.ScheduleExpression),
    matches: patternOf(properties),
    timetable: timetableOf(properties, nowMs),
    targets: targets.map(parseTarget),
  };
}

const patternText = ({ EventPattern: pattern }: Record<string, unknown>): string | null => {
  if (pattern === undefined) return null;
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
};

/** Returns the pattern of a rule. A rule that has a schedule and no pattern matches no event. */
function patternOf({
  EventPattern: pattern,
  ScheduleExpression: expression,
}: Record<string, unknown>): EventPattern {
  return pattern === undefined && expression !== undefined ? () => false : parseEventPattern(pattern);
}

/**
 * Returns the times at which a rule runs; null for a rule without a schedule. The first run is one interval from now. Unlike a schedule of
 * EventBridge Scheduler, a rule has no start, no end and no `at` expression.
 */
function timetableOf(
  { ScheduleExpression: expression }: Record<string, unknown>,
  nowMs: number,
): Timetable | null {
  if (expression === undefined) return null;
  const problem = `Parameter ScheduleExpression is not valid.`;
  if (typeof expression !== 'string' || expression.startsWith('at(')) {
    throw new AwsError('ValidationException', problem);
  }
  try {
    return parseScheduleExpression(expression, nowMs);
  } catch {
    throw new AwsError('ValidationException', problem);
  }
}

export const isFunction = (arn: string): boolean => arn.startsWith('arn:aws:lambda:');

function parseTarget(target: unknown): Target {
  const given: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {};
  const {
    Id: id,
    Arn: arn,
    Input: input,
    DeadLetterConfig: deadLetter,
    RetryPolicy: _retryPolicy,
    ...others
  } = given;
  const [other] = Object.keys(others);
  if (other !== undefined) throw notSupported(`a rule target with ${other}`);
  if (typeof id !== 'string' || typeof arn !== 'string') {
    throw new AwsError('ValidationError', 'a target needs an Id and an Arn');
  }
  if (!isFunction(arn) && !arn.startsWith('arn:aws:sqs:'))
    throw notSupported(`${arn} as the target of a rule`);
  if (input !== undefined && typeof input !== 'string')
    throw new AwsError('ValidationError', 'Input must be text');
  const hasDeadLetter = typeof deadLetter === 'object' && deadLetter !== null && 'Arn' in deadLetter;
  return { id, arn, input: input ?? null, deadLetterArn: hasDeadLetter ? String(deadLetter.Arn) : undefined };
}
