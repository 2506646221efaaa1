import type { Clock } from '../core/clock.ts';
import type { Faults } from '../core/fault.ts';
import type { AwsService } from '../core/request.ts';
import { createAsyncInvocations, DEFAULT_RETRY_DELAYS_MS } from './async-invocations.ts';
import { createEventSourceMappings, type EventSourceMappings } from './event-source-mappings.ts';
import { ACCOUNT_SETTINGS_PATH, handleAccountRequest } from './account-http.ts';
import { handleLambdaRequest } from './lambda-http.ts';
import { handleMappingRequest, MAPPINGS_PATH } from './mapping-http.ts';
import {
  createFunctionRegistry,
  DEFAULT_ACCOUNT_CONCURRENCY,
  type FunctionRegistry,
} from './function-registry.ts';
import { environmentIdOf } from './function-pool.ts';
import type { FunctionHost, InvocationResult } from './lambda-function.ts';
import type { MetricLine } from './log-lines.ts';
import type { LogLine } from './log-sink.ts';
import type { EventSourceHost } from './running-mapping.ts';
import type { FunctionUsage } from './usage.ts';

export interface LambdaOptions {
  /** The folder for unpacked code. */
  directory: string;
  clock: Clock;
  iam: FunctionHost['iam'] & EventSourceHost['iam'];
  /** The queues that event source mappings read. */
  queues: EventSourceHost['queues'];
  /**
   * Returns the environment variables that direct a function's requests to this local AWS: AWS_ENDPOINT_URL and NODE_EXTRA_CA_CERTS.
   * Called for each environment.
   */
  hostVariables(): Record<string, string>;
  onLog?: (line: LogLine) => void;
  /** Maximum number of simultaneous invocations of an account. The default is 10, as in a new AWS account. */
  accountConcurrency?: number;
  /** How long an event source mapping stays in the state Enabling or Disabling, in milliseconds by the clock. The default is 30 seconds. */
  mappingSwitchMs?: number;
  /** How long an idle environment is kept, in milliseconds. The default is five minutes. */
  idleMs?: number;
  /** How long the init phase of a function may take, in milliseconds. The default is 10 seconds, as in AWS. */
  initLimitMs?: number;
  /** How long, in milliseconds, Lambda waits before each further attempt of a failed invocation of type Event. */
  asyncRetryDelaysMs?: number[];
  /** The faults that are injected into invocations. */
  faults?: Readonly<Faults>;
}

export interface InvokeOptions {
  /** The default is RequestResponse. With `Event`, the call returns immediately, and Lambda runs and retries the invocation later. */
  type?: 'RequestResponse' | 'Event';
  /** The trace header of the request. If it is absent, the invocation begins a new chain of requests. */
  traceHeader?: string | undefined;
}

/** The local Lambda service. It runs functions from their deployment packages in child processes. */
export interface Lambda extends AwsService, Omit<FunctionRegistry, 'all' | 'clear'> {
  /**
   * Invokes the function without checking permissions. `payload` is any JSON value.
   * @throws AwsError ResourceNotFoundException, TooManyRequestsException, RequestTooLargeException
   */
  invoke(nameOrArn: string, payload: unknown, options?: InvokeOptions): Promise<InvocationResult>;
  /** The same as `invoke`, but the payload is JSON text. */
  invokeText(nameOrArn: string, payload: string, options?: InvokeOptions): Promise<InvocationResult>;
  /** Returns the totals of the function's invocations so far. */
  usage(nameOrArn: string): FunctionUsage;
  resetUsage(nameOrArn: string): void;
  /** The event source mappings, which move messages from queues to functions. */
  eventSources: EventSourceMappings;
  /** Returns the embedded metrics that CloudWatch would have received from one function, or from all functions. */
  metrics(nameOrArn?: string): MetricLine[];
  /** Kills the function's processes, even during an invocation. */
  killEnvironments(nameOrArn: string): Promise<void>;
  /** Kills the function's process that sent a request with this User-Agent. Resolves to false if no such process exists. */
  killSender(userAgent: string | undefined): Promise<boolean>;
  /** Ends all processes. */
  stop(): Promise<void>;
}

/** Creates the service without functions. */
export const createLambda = (options: LambdaOptions): Lambda => {
  const functions = createFunctionRegistry(options);
  const find = functions.function;
  const asyncInvocations = createAsyncInvocations(options.asyncRetryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS);
  const { iam, clock, queues, mappingSwitchMs: switchMs = 30_000 } = options;
  const eventSources = createEventSourceMappings({ iam, clock, queues, findFunction: find, switchMs });
  const invokeText: Lambda['invokeText'] = async (nameOrArn, payload, how) => {
    const { functionArn } = find(nameOrArn).configuration();
    const causes = how?.traceHeader === undefined ? [] : [how.traceHeader];
    if (how?.type !== 'Event') return find(functionArn).run(payload, causes);
    // Each attempt finds the function again, because it may have been updated or deleted in the meantime.
    asyncInvocations.submit(async () => find(functionArn).run(payload, causes));
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
      if (request.path.startsWith(ACCOUNT_SETTINGS_PATH)) {
        const limit = options.accountConcurrency ?? DEFAULT_ACCOUNT_CONCURRENCY;
        return handleAccountRequest({ functions: functions.all(), limit, iam }, request, response);
      }
      const findByArn = (arn: string) =>
        functions.all().find((found) => found.configuration().functionArn === arn) ?? null;
      const service = { find: findByArn, invokeText, authorizer: iam, eventSources };
      return request.path.startsWith(MAPPINGS_PATH)
        ? handleMappingRequest(service, request, response)
        : handleLambdaRequest(service, request, response);
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
