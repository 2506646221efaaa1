import { join } from 'node:path';
import type { PolicyStatement } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { FaultPlan } from '../core/fault.ts';
import type { AwsService } from '../core/request.ts';
import { createAsyncInvocations, DEFAULT_RETRY_DELAYS_MS } from './async-invocations.ts';
import {
  createEventSourceMappings,
  type EventSourceHost,
  type EventSourceMappings,
} from './event-source-mappings.ts';
import { parseFunctionProperties } from './function-configuration.ts';
import { handleLambdaRequest } from './lambda-http.ts';
import { lambdaError } from './lambda-error.ts';
import { environmentIdOf } from './function-pool.ts';
import {
  checkRole,
  createLambdaFunction,
  type FunctionHost,
  type FunctionVersion,
  type InvocationResult,
  type LambdaFunction,
} from './lambda-function.ts';
import type { MetricLine } from './log-lines.ts';
import type { LogLine } from './log-sink.ts';
import { unpackCode } from './unzip.ts';
import type { FunctionUsage } from './usage.ts';

export interface LambdaOptions {
  /** Unpacked code is kept here. */
  directory: string;
  clock: Clock;
  iam: FunctionHost['iam'] & EventSourceHost['iam'];
  /** The queues that event source mappings read. */
  queues: EventSourceHost['queues'];
  /** What functions need to find this local AWS: AWS_ENDPOINT_URL and NODE_EXTRA_CA_CERTS. Asked per environment. */
  hostVariables(): Record<string, string>;
  onLog?: (line: LogLine) => void;
  /** Invocations of one account at the same time; 10, as in a new AWS account. */
  accountConcurrency?: number;
  /** How long an idle environment is kept; five minutes. */
  idleMs?: number;
  /** Pauses before the further attempts of a failed invocation of type Event. */
  asyncRetryDelaysMs?: number[];
  /** What befalls invocations. */
  faults?: { readonly plan: FaultPlan | undefined };
}

/** Properties of an AWS::Lambda::Function, resolved, with its Code replaced by the zip. */
export interface FunctionDefinition {
  accountId: string;
  region: string;
  /** Path or content. */
  zipFile: string | Buffer;
  properties: Record<string, unknown>;
}

export interface InvokeOptions {
  /** Default RequestResponse. `Event` answers at once and runs in the background, with Lambda's retries. */
  type?: 'RequestResponse' | 'Event';
}

/** The Lambda service: functions run from their deployment packages in child processes. */
export interface Lambda extends AwsService {
  createFunction(definition: FunctionDefinition): Promise<{ functionArn: string; codeSha256: string }>;
  /** New configuration and code for the function of that name. */
  updateFunction(definition: FunctionDefinition): Promise<{ functionArn: string; codeSha256: string }>;
  /** Waits for invocations in progress. A function that is already gone is success. */
  deleteFunction(functionArn: string): Promise<void>;
  addPermission(functionArn: string, statementId: string, statement: PolicyStatement): void;
  removePermission(functionArn: string, statementId: string): void;
  /** @throws AwsError ResourceNotFoundException */
  function(nameOrArn: string): LambdaFunction;
  functionArns(): string[];
  /**
   * Invokes in the name of the account itself. `payload` is a value that JSON can carry.
   * @throws AwsError ResourceNotFoundException, TooManyRequestsException, RequestTooLargeException
   */
  invoke(nameOrArn: string, payload: unknown, options?: InvokeOptions): Promise<InvocationResult>;
  /** Same, for a payload that is JSON already. */
  invokeText(nameOrArn: string, payload: string, options?: InvokeOptions): Promise<InvocationResult>;
  /** What the function's invocations cost so far. */
  usage(nameOrArn: string): FunctionUsage;
  resetUsage(nameOrArn: string): void;
  /** Moves messages from queues to functions. */
  eventSources: EventSourceMappings;
  /** Embedded metrics that reached CloudWatch, of one function or of all. */
  metrics(nameOrArn?: string): MetricLine[];
  /** Kills the function's processes, also in the middle of an invocation. */
  killEnvironments(nameOrArn: string): Promise<void>;
  /** Kills the process that sent a request with this User-Agent, whichever function it runs. False when none of ours did. */
  killSender(userAgent: string | undefined): Promise<boolean>;
  /** Ends all processes. */
  stop(): Promise<void>;
}

/** Starts the service with no functions in it. */
export const createLambda = (options: LambdaOptions): Lambda => {
  const functions = new Map<string, LambdaFunction>();
  const asyncInvocations = createAsyncInvocations(options.asyncRetryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS);
  const accountConcurrency = options.accountConcurrency ?? 10;
  const host: FunctionHost = {
    clock: options.clock,
    iam: options.iam,
    hostVariables: options.hostVariables,
    accountHasRoom: (accountId) => busyInAccount(functions, accountId) < accountConcurrency,
    idleMs: options.idleMs ?? 300_000,
    onLog: options.onLog ?? (() => undefined),
    faults: options.faults ?? { plan: undefined },
  };
  const prepare = async (definition: FunctionDefinition): Promise<FunctionVersion> => {
    const configuration = parseFunctionProperties(
      { accountId: definition.accountId, region: definition.region },
      definition.properties,
    );
    checkRole(options.iam, configuration);
    const code = await unpackCode(definition.zipFile, join(options.directory, 'code'));
    const { directory: taskRoot, codeSha256, codeSizeBytes } = code;
    return { configuration, taskRoot, codeSha256, codeSizeBytes };
  };
  const find = (nameOrArn: string): LambdaFunction => findFunction(functions, nameOrArn);
  const eventSources = createEventSourceMappings({
    iam: options.iam,
    queues: options.queues,
    findFunction: find,
  });
  const lambda: Lambda = {
    createFunction: async (definition) => {
      const version = await prepare(definition);
      const { functionArn, functionName } = version.configuration;
      if (functions.has(functionArn)) {
        throw lambdaError('ResourceConflictException', `Function already exist: ${functionName}`);
      }
      functions.set(functionArn, createLambdaFunction(host, version));
      return { functionArn, codeSha256: version.codeSha256 };
    },
    updateFunction: async (definition) => {
      const version = await prepare(definition);
      await find(version.configuration.functionArn).replaceVersion(version);
      return { functionArn: version.configuration.functionArn, codeSha256: version.codeSha256 };
    },
    deleteFunction: async (functionArn) => {
      const pool = functions.get(functionArn)?.pool();
      functions.delete(functionArn);
      await pool?.retire();
    },
    addPermission: (functionArn, statementId, statement) => {
      find(functionArn).permissions.set(statementId, statement);
    },
    removePermission: (functionArn, statementId) => {
      functions.get(functionArn)?.permissions.delete(statementId);
    },
    eventSources,
    function: find,
    functionArns: () => [...functions.keys()],
    invoke: (nameOrArn, payload, how) => lambda.invokeText(nameOrArn, JSON.stringify(payload ?? null), how),
    invokeText: async (nameOrArn, payload, how) => {
      const { functionArn } = find(nameOrArn).configuration();
      if (how?.type !== 'Event') return find(functionArn).run(payload);
      // Looked up again for each attempt: by then it may be another version, or gone.
      asyncInvocations.submit(async () => find(functionArn).run(payload));
      return { requestId: '', functionError: null, payload: '' };
    },
    usage: (nameOrArn) => find(nameOrArn).usage.read(),
    resetUsage: (nameOrArn) => find(nameOrArn).usage.reset(),
    metrics: (nameOrArn) =>
      (nameOrArn === undefined ? [...functions.values()] : [find(nameOrArn)]).flatMap((found) =>
        found.logs.metrics(),
      ),
    killEnvironments: (nameOrArn) => find(nameOrArn).pool().kill(),
    killSender: async (userAgent) => {
      const id = environmentIdOf(userAgent);
      if (id === null) return false;
      const killed = [...functions.values()].map((found) => found.pool().killEnvironment(id));
      return (await Promise.all(killed)).includes(true);
    },
    handle: (request, response) => {
      const invoker = { find: (arn: string) => functions.get(arn) ?? null, invokeText: lambda.invokeText };
      return handleLambdaRequest(invoker, options.iam, request, response);
    },
    stop: async () => {
      const pools = [...functions.values()].map((found) => found.pool());
      const stopping = [eventSources.stop(), asyncInvocations.stop(), ...pools.map((pool) => pool.retire())];
      await Promise.all(pools.map((pool) => pool.kill()));
      await Promise.all(stopping);
      functions.clear();
    },
  };
  return lambda;
};

const busyInAccount = (functions: Map<string, LambdaFunction>, accountId: string): number =>
  [...functions.values()]
    .filter((found) => found.configuration().accountId === accountId)
    .reduce((sum, found) => sum + found.pool().busy(), 0);

/** By ARN, or by a name that only one account and region uses. */
const findFunction = (functions: Map<string, LambdaFunction>, nameOrArn: string): LambdaFunction => {
  const arn = nameOrArn.replace(/:\$LATEST$/, '');
  const found =
    functions.get(arn) ?? [...functions.values()].find((each) => each.configuration().functionName === arn);
  if (!found) throw lambdaError('ResourceNotFoundException', `Function not found: ${nameOrArn}`);
  return found;
};
