/** The parts that the execution environments of all functions share, and the time limit of one invocation. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import type { Clock } from '../model/ports.ts';
import { hashKeysInJson, type LoggedKeys } from '../text/hashed-key.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';
import type { MetricForm } from './cloudwatch/embedded-metrics.ts';
import { createS3Clients, type S3Clients } from './s3/client/clients.ts';
import { type Job, narrowSessions } from './s3/client/sessions.ts';
import { createSqsClient } from './sqs/queues.ts';

export interface Environment {
  logger: Logger;
  sqs: SQSClient;
  /** The clients of the function's job. */
  clients: S3Clients;
  /** Creates clients with sessions for another job. */
  clientsFor(job: Job): S3Clients;
  /** The name of the sessions in which this deployment assumes roles. */
  sessionName: string;
  clock: Clock;
  /** How keys appear in log lines and report files. */
  loggedKeys: LoggedKeys;
  /** Whether there are only standard metrics, or detailed ones too. */
  metricForm: MetricForm;
  /** Returns the value of an environment variable. Throws when the variable is missing or empty. */
  variable(name: string): string;
}

/** Sets up an execution environment when it starts. Throws when an environment variable is missing. */
export const createEnvironment = (
  variables: NodeJS.ProcessEnv,
  configuration: ReplicationConfiguration,
  job: Job,
): Environment => {
  const variable = (name: string): string => {
    const value = variables[name];
    if (value === undefined || value === '') throw new Error(`environment variable ${name} is missing`);
    return value;
  };
  const sessionName = variable('ROLE_SESSION_NAME');
  const loggedKeys = variables['LOGGED_KEYS'] === 'hashed' ? 'hashed' : 'plain';
  const logger = new Logger(loggedKeys === 'hashed' ? { jsonReplacerFn: hashKeysInJson } : {});
  const onLack = (destinationBucket: string, action: string): void =>
    logger.warn('older-template', { destinationBucket, action });
  const clientsFor = (work: Job): S3Clients =>
    createS3Clients({
      region: variable('AWS_REGION'),
      sessionName,
      sourceIdentity: variables['AWS_LAMBDA_FUNCTION_NAME'] ?? null,
      sessions: narrowSessions(configuration, work),
      ownAccount: async () => variable('ACCOUNT_ID'),
      onLack,
    });
  return {
    logger,
    sqs: createSqsClient(),
    clients: clientsFor(job),
    clientsFor,
    sessionName,
    loggedKeys,
    metricForm: variables['METRICS'] === 'detailed' ? 'detailed' : 'standard',
    clock: { now: Date.now, sleep: (ms) => sleep(ms) },
    variable,
  };
};

/**
 * How long an invocation that replicates needs after its last copy was aborted: for the receipts, the calls to the queues and the
 * response.
 */
export const REPLICATE_RESERVE_MS = 20_000;

/** The time limit of one invocation. It must be disposed of at the end of the invocation. */
export interface TimeLimit extends Disposable {
  /** How long the invocation may work, milliseconds. */
  workMs: number;
  /** The time at which all work must be done, milliseconds since the epoch. */
  deadlineMs: number;
  /** Aborted some time after the deadline, to end the calls that are still running. */
  signal: AbortSignal;
}

/**
 * Limits the time of one invocation. `reserveMs` is the time that is kept free at the end of the invocation. The deadline is
 * before that time. Calls that are still running `graceMs` after the deadline are aborted.
 */
export const limitTime = (
  context: Context,
  { reserveMs, graceMs }: { reserveMs: number; graceMs: number },
): TimeLimit => {
  const workMs = Math.max(0, context.getRemainingTimeInMillis() - reserveMs);
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), workMs + graceMs);
  return {
    workMs,
    deadlineMs: Date.now() + workMs,
    signal: ending.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
};
