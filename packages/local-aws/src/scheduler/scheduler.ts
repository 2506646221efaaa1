import { randomUUID } from 'node:crypto';
import type { Caller } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { AwsError } from '../front/aws-error.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { Iam } from '../iam/iam.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { createDueTimes } from './due-times.ts';
import { parseScheduleExpression, type Timetable } from './schedule-expression.ts';

export interface ScheduleDefinition {
  accountId: string;
  region: string;
  name: string;
  expression: string;
  isEnabled: boolean;
  /** The start in milliseconds since the epoch; null for now. */
  startMs: number | null;
  /** The end in milliseconds since the epoch; null for no end. */
  endMs: number | null;
  functionArn: string;
  roleArn: string;
  /** The input of the function in JSON; null for the default event of EventBridge Scheduler. */
  input: string | null;
}

/** A scheduled invocation that failed, because Scheduler could not invoke the function. */
export interface FailedInvocation {
  scheduleArn: string;
  scheduledMs: number;
  reason: string;
}

/**
 * The local EventBridge Scheduler. It invokes functions at scheduled times, with the permissions of a role. If the clock skips several
 * times of a schedule, it invokes the function only for the last one.
 */
export interface Scheduler {
  /**
   * Creates a schedule and returns its ARN.
   * @throws AwsError ConflictException, ValidationException
   */
  create(definition: ScheduleDefinition): string;
  /**
   * Updates a schedule and returns its ARN.
   * @throws AwsError ResourceNotFoundException, ValidationException
   */
  update(definition: ScheduleDefinition): string;
  /** Deletes a schedule. Succeeds if the schedule does not exist. */
  delete(place: Pick<ScheduleDefinition, 'accountId' | 'region' | 'name'>): void;
  failedInvocations: FailedInvocation[];
  stop(): void;
}

interface Schedule extends ScheduleDefinition {
  arn: string;
  timetable: Timetable;
}

interface Host {
  clock: Clock;
  iam: Pick<Iam, 'decide' | 'role' | 'createSession'>;
  lambda: Pick<Lambda, 'invokeText' | 'function'>;
}

export const createScheduler = (host: Host): Scheduler => {
  const { clock } = host;
  const schedules = new Set<string>();
  const dueTimes = createDueTimes(clock);
  const failedInvocations: FailedInvocation[] = [];
  const run = async (schedule: Schedule, scheduledMs: number): Promise<void> => {
    try {
      await invoke(host, schedule, scheduledMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failedInvocations.push({ scheduleArn: schedule.arn, scheduledMs, reason });
    }
  };
  const put = (definition: ScheduleDefinition): string => {
    const nowMs = clock.now();
    const schedule = scheduleOf(host, definition, nowMs);
    const { arn, timetable, endMs, isEnabled } = schedule;
    // The first run may be exactly at the schedule's start.
    const fromMs = Math.max(schedule.startMs ?? 0, nowMs);
    schedules.add(arn);
    dueTimes.put(arn, {
      timetable,
      fromMs,
      endMs,
      ring: (dueMs) => void (isEnabled && run(schedule, dueMs)),
    });
    return arn;
  };
  return {
    failedInvocations,
    create: (definition) => {
      if (schedules.has(arnOf(definition))) {
        throw new AwsError('ConflictException', 'Schedule name already exists.', { status: 409 });
      }
      return put(definition);
    },
    update: (definition) => {
      if (!schedules.has(arnOf(definition))) {
        throw new AwsError('ResourceNotFoundException', `Schedule ${definition.name} does not exist.`, {
          status: 404,
        });
      }
      return put(definition);
    },
    delete: (place) => {
      schedules.delete(arnOf(place));
      dueTimes.delete(arnOf(place));
    },
    stop: () => {
      schedules.clear();
      dueTimes.stop();
    },
  };
};

const arnOf = ({
  accountId,
  region,
  name,
}: Pick<ScheduleDefinition, 'accountId' | 'region' | 'name'>): string =>
  `arn:aws:scheduler:${region}:${accountId}:schedule/default/${name}`;

const scheduleOf = (host: Host, definition: ScheduleDefinition, nowMs: number): Schedule => {
  checkRole(host, definition);
  try {
    const timetable = parseScheduleExpression(definition.expression, definition.startMs ?? nowMs);
    return { ...definition, arn: arnOf(definition), timetable };
  } catch (error) {
    throw new AwsError('ValidationException', error instanceof Error ? error.message : String(error));
  }
};

const checkRole = ({ iam }: Host, { accountId, region, roleArn }: ScheduleDefinition): void => {
  const role = iam.role(roleArn);
  const caller: Caller = {
    kind: 'service',
    service: 'scheduler.amazonaws.com',
    sourceArn: `arn:aws:scheduler:${region}:${accountId}:schedule-group/default`,
    sourceAccount: accountId,
  };
  const isTrusting =
    role !== undefined &&
    iam.decide({
      caller,
      action: 'sts:AssumeRole',
      resource: roleArn,
      resourceAccountId: role.accountId,
      resourcePolicy: role.trust,
      secureTransport: true,
    }).allowed;
  if (isTrusting) return;
  throw new AwsError(
    'ValidationException',
    'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
  );
};

const SESSION_SECONDS = 900;

const invoke = async (host: Host, schedule: Schedule, scheduledMs: number): Promise<void> => {
  const { functionArn, roleArn } = schedule;
  const session = host.iam.createSession(roleArn, `scheduler-${schedule.name}`.slice(0, 64), SESSION_SECONDS);
  const question = {
    caller: session.caller,
    action: 'lambda:InvokeFunction',
    resource: functionArn,
    resourceAccountId: functionArn.split(':')[4] ?? '',
    resourcePolicy: host.lambda.function(functionArn).policy(),
    secureTransport: true,
  };
  const decision = host.iam.decide(question);
  if (!decision.allowed) throw new Error(accessDeniedMessage(question, decision.reason));
  await host.lambda.invokeText(functionArn, eventOf(schedule, scheduledMs), { type: 'Event' });
};

/**
 * Returns the event that the function receives: the schedule's input with its placeholders replaced, or the default event.
 * Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 */
const eventOf = ({ arn, accountId, region, input }: Schedule, scheduledMs: number): string => {
  const id = randomUUID();
  const time = new Date(scheduledMs).toISOString().replace(/\.\d+/, '');
  if (input === null) {
    return JSON.stringify({
      version: '0',
      id,
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: accountId,
      time,
      region,
      resources: [arn],
      detail: '{}',
    });
  }
  return input
    .replaceAll('<aws.scheduler.schedule-arn>', arn)
    .replaceAll('<aws.scheduler.scheduled-time>', time)
    .replaceAll('<aws.scheduler.execution-id>', id)
    .replaceAll('<aws.scheduler.attempt-number>', '1');
};
