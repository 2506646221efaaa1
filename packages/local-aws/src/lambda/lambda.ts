import type { Clock } from '../core/clock.ts';
import type { FaultPlan } from '../core/fault.ts';
import type { AwsService } from '../core/request.ts';
import { createAsyncInvocations, DEFAULT_RETRY_DELAYS_MS } from './async-invocations.ts';
import {
  createEventSourceMappings,
  type EventSourceHost,
  type EventSourceMappings,
} from './event-source-mappings.ts';
import { handleLambdaRequest } from './lambda-http.ts';
import { createFunctionRegistry, type FunctionRegistry } from './function-registry.ts';
import { environmentIdOf } from './function-pool.ts';
import type { FunctionHost, InvocationResult } from './lambda-function.ts';
import type { MetricLine } from './log-lines.ts';
import type { LogLine } from './log-sink.ts';
import type { FunctionUsage } from './usage.ts';

export interface LambdaOptions {
  /** Folder for unpacked code. */
  directory: string;
  clock: Clock;
  iam: FunctionHost['iam'] & EventSourceHost['iam'];
  /** The queues that event source mappings read. */
  queues: EventSourceHost['queues'];
  /** The variables with which functions find this local AWS: AWS_ENDPOINT_URL and NODE_EXTRA_CA_CERTS. Called per environment. */
  hostVariables(): Record<string, string>;
  onLog?: (line: LogLine) => void;
  /** Maximum number of simultaneous invocations of one account; default 10, as in a new AWS account. */
  accountConcurrency?: number;
  /** How long an idle environment is kept; default five minutes. */
  idleMs?: number;
  /** How long Lambda waits before each further attempt of a failed invocation of type Event. */
  asyncRetryDelaysMs?: number[];
  /** The faults of invocations. */
  faults?: { readonly plan: FaultPlan | undefined };
}

export interface InvokeOptions {
  /** Default RequestResponse. `Event` returns at once; the invocation runs in the background, with Lambda's retries. */
  type?: 'RequestResponse' | 'Event';
}

/** The Lambda service: functions run from their deployment packages in child processes. */
export interface Lambda extends AwsService, Omit<FunctionRegistry, 'all' | 'clear'> {
  /**
   * Invokes the function in the name of the account itself. `payload` is any JSON value.
   * @throws AwsError ResourceNotFoundException, TooManyRequestsException, RequestTooLargeException
   */
  invoke(nameOrArn: string, payload: unknown, options?: InvokeOptions): Promise<InvocationResult>;
  /** The same for a payload that is JSON text already. */
  invokeText(nameOrArn: string, payload: string, options?: InvokeOptions): Promise<InvocationResult>;
  /** The resources that the function's invocations have used so far. */
  usage(nameOrArn: string): FunctionUsage;
  resetUsage(nameOrArn: string): void;
  /** Moves messages from queues to functions. */
  eventSources: EventSourceMappings;
  /** The embedded metrics that reached CloudWatch, of one function or of all. */
  metrics(nameOrArn?: string): MetricLine[];
  /** Kills the function's processes, also in the middle of an invocation. */
  killEnvironments(nameOrArn: string): Promise<void>;
  /** Kills the process that sent a request with this User-Agent. False when no function's process sent it. */
  killSender(userAgent: string | undefined): Promise<boolean>;
  /** Ends all processes. */
  stop(): Promise<void>;
}

/** Starts the service with no functions in it. */
export const createLambda = (options: LambdaOptions): Lambda => {
  const functions = createFunctionRegistry(options);
  const find = functions.function;
  const asyncInvocations = createAsyncInvocations(options.asyncRetryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS);
  const { iam, queues } = options;
  const eventSources = createEventSourceMappings({ iam, queues, findFunction: find });
  const invokeText: Lambda['invokeText'] = async (nameOrArn, payload, how) => {
    const { functionArn } = find(nameOrArn).configuration();
    if (how?.type !== 'Event') return find(functionArn).run(payload);
    // Each attempt finds the function again, which may have another version by then, or be gone.
    asyncInvocations.submit(async () => find(functionArn).run(payload));
    return { requestId: '', functionError: null, payload: '' };
  };
  return {
    ...functions,
    eventSources,
    invoke: (nameOrArn, payload, how) => invokeText(nameOrArn, JSON.stringify(payload ?? null), how),
    invokeText,
    usage: (nameOrArn) => find(nameOrArn).usage.read(),
    resetUsage: (nameOrArn) => find(nameOrArn).usage.reset(),
    metrics: (nameOrArn) =>
      (nameOrArn === undefined ? functions.all() : [find(nameOrArn)]).flatMap((found) =>
        found.logs.metrics(),
      ),
    killEnvironments: (nameOrArn) => find(nameOrArn).pool().kill(),
    killSender: async (userAgent) => {
      const id = environmentIdOf(userAgent);
      if (id === null) return false;
      const killed = functions.all().map((found) => found.pool().killEnvironment(id));
      return (await Promise.all(killed)).includes(true);
    },
    handle: (request, response) => {
      const findByArn = (arn: string) =>
        functions.all().find((found) => found.configuration().functionArn === arn) ?? null;
      return handleLambdaRequest({ find: findByArn, invokeText, authorizer: iam }, request, response);
    },
    stop: async () => {
      const pools = functions.all().map((found) => found.pool());
      const stopping = [eventSources.stop(), asyncInvocations.stop(), ...pools.map((pool) => pool.retire())];
      await Promise.all(pools.map((pool) => pool.kill()));
      await Promise.all(stopping);
      functions.clear();
    },
  };
};
