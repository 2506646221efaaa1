import { randomUUID } from 'node:crypto';
import type { Credentials } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { InvocationFault } from '../core/fault.ts';
import { ExecutionEnvironment, type EnvironmentOutcome } from './execution-environment.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import { lambdaError } from './lambda-error.ts';
import type { UsageBook } from './usage.ts';

export interface PoolOptions {
  configuration: FunctionConfiguration;
  /** Folder of the unpacked code. */
  taskRoot: string;
  clock: Clock;
  /** A session of the function's role, asked for each new environment. */
  openSession(): Credentials;
  /** Endpoints and certificates, added to the function's own variables. */
  hostVariables(): Record<string, string>;
  /** May the account run one more invocation? Not asked for functions with reserved concurrency. */
  accountHasRoom(): boolean;
  /** How long an idle environment is kept. */
  idleMs: number;
  usage: UsageBook;
  /** What befalls the invocation that is about to begin. */
  fault(): InvocationFault | undefined;
  onLine(line: string, requestId: string | null): void;
}

export interface FunctionPool {
  /**
   * Runs one invocation in a warm environment or a new one.
   * @throws AwsError TooManyRequestsException at the concurrency limit
   */
  run(requestId: string, payload: string): Promise<EnvironmentOutcome>;
  /** Would {@link run} be throttled now? */
  hasRoom(): boolean;
  /** Invocations in progress. */
  busy(): number;
  /** Process ids of the environments. */
  pids(): number[];
  /** Kills every environment, busy ones in the middle of their work; the next invocation starts afresh. */
  kill(): Promise<void>;
  /** Kills one environment by its id, see {@link environmentIdOf}; false when it is not one of this pool. */
  killEnvironment(id: string): Promise<boolean>;
  /** No new environments; busy ones finish and are stopped, which is awaited. */
  retire(): Promise<void>;
}

interface Slot {
  id: string;
  environment: ExecutionEnvironment;
  credentialsExpireAtMs: number;
  invocations: number;
  reaper: NodeJS.Timeout | null;
}

const CREDENTIAL_MARGIN_MS = 60_000;

/** The execution environments of one version of a function: warm ones first, new ones up to the concurrency limit. */
export const createFunctionPool = (options: PoolOptions): FunctionPool => {
  const { configuration, usage } = options;
  /** Most recently used last. */
  const idle: Slot[] = [];
  const slots = new Set<Slot>();
  const running = new Set<Promise<unknown>>();
  let retired = false;
  /** Raised by {@link FunctionPool.kill}, which must also reach environments that are just starting. */
  let generation = 0;

  const hasRoom = (): boolean =>
    configuration.reservedConcurrency === null
      ? options.accountHasRoom()
      : running.size < configuration.reservedConcurrency;

  const discard = async (slot: Slot): Promise<void> => {
    if (slot.reaper) clearTimeout(slot.reaper);
    slots.delete(slot);
    await slot.environment.stop();
  };

  const takeWarm = (): Slot | null => {
    for (let slot = idle.pop(); slot; slot = idle.pop()) {
      if (slot.reaper) clearTimeout(slot.reaper);
      slot.reaper = null;
      const neededUntilMs = options.clock.now() + configuration.timeoutMs + CREDENTIAL_MARGIN_MS;
      if (slot.environment.alive && slot.credentialsExpireAtMs > neededUntilMs) return slot;
      void discard(slot);
    }
    return null;
  };

  const startSlot = async (): Promise<Slot> => {
    const credentials = options.openSession();
    const bornIn = generation;
    const id = randomUUID();
    const environment = await ExecutionEnvironment.start({
      taskRoot: options.taskRoot,
      memorySizeMb: configuration.memorySizeMb,
      timeoutMs: configuration.timeoutMs,
      clock: options.clock,
      variables: { ...environmentVariables(options, credentials), AWS_SDK_UA_APP_ID: id },
      onLine: options.onLine,
    });
    const credentialsExpireAtMs = credentials.expiresAtMs ?? Infinity;
    const slot = { id, environment, credentialsExpireAtMs, invocations: 0, reaper: null };
    slots.add(slot);
    if (bornIn !== generation) await environment.stop();
    return slot;
  };

  const release = (slot: Slot): void => {
    if (retired || !slot.environment.alive) {
      void discard(slot);
      return;
    }
    slot.reaper = setTimeout(() => {
      idle.splice(idle.indexOf(slot), 1);
      void discard(slot);
    }, options.idleMs);
    slot.reaper.unref();
    idle.push(slot);
  };

  const runOnce = async (requestId: string, payload: string): Promise<EnvironmentOutcome> => {
    const slot = takeWarm() ?? (await startSlot());
    const invocation = { requestId, payload, functionArn: configuration.functionArn, traceId: newTraceId() };
    const outcome = await invokeUnder(options.fault(), slot.environment, invocation);
    usage.record(
      {
        requestId,
        environmentId: slot.id,
        outcome: outcome.kind,
        cause: outcome.cause,
        durationMs: outcome.durationMs,
        initDurationMs: slot.invocations === 0 ? slot.environment.initDurationMs : null,
      },
      outcome.usage,
    );
    slot.invocations += 1;
    release(slot);
    return outcome;
  };

  const run = async (requestId: string, payload: string): Promise<EnvironmentOutcome> => {
    if (retired || !hasRoom()) {
      usage.throttled();
      throw lambdaError('TooManyRequestsException', 'Rate Exceeded.');
    }
    const invocation = runOnce(requestId, payload);
    running.add(invocation);
    usage.running(running.size);
    return invocation.finally(() => running.delete(invocation));
  };

  return {
    run,
    hasRoom,
    busy: () => running.size,
    pids: () => [...slots].flatMap((slot) => slot.environment.pid ?? []),
    kill: async () => {
      generation += 1;
      idle.length = 0;
      await Promise.all([...slots].map(discard));
    },
    killEnvironment: async (id) => {
      const slot = [...slots].find((each) => each.id === id);
      if (!slot) return false;
      const at = idle.indexOf(slot);
      if (at >= 0) idle.splice(at, 1);
      await discard(slot);
      return true;
    },
    retire: async () => {
      retired = true;
      await Promise.all(idle.splice(0).map(discard));
      await Promise.allSettled(running);
      await Promise.all([...slots].map(discard));
    },
  };
};

/** Which environment a request comes from: SDKs put the application id they find in their environment into the User-Agent. */
export const environmentIdOf = (userAgent: string | undefined): string | null =>
  /\bapp\/([0-9a-f-]{36})\b/.exec(userAgent ?? '')?.[1] ?? null;

type Invocation = Parameters<ExecutionEnvironment['invoke']>[0];

const invokeUnder = async (
  fault: InvocationFault | undefined,
  environment: ExecutionEnvironment,
  invocation: Invocation,
): Promise<EnvironmentOutcome> => {
  if (fault?.kind !== 'kill-invocation') return environment.invoke(invocation, fault?.afterMs);
  const timer = setTimeout(() => void environment.stop(), fault.afterMs);
  return environment.invoke(invocation).finally(() => clearTimeout(timer));
};

const newTraceId = (): string => {
  const hex = randomUUID().replaceAll('-', '');
  return `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${hex.slice(0, 24)};Parent=${hex.slice(16)};Sampled=0`;
};

/**
 * The environment of a function's process: what Lambda sets and nothing of this host's own environment.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
const environmentVariables = (options: PoolOptions, credentials: Credentials): Record<string, string> => {
  const { configuration } = options;
  return {
    ...options.hostVariables(),
    LANG: 'en_US.UTF-8',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    TZ: ':UTC',
    NODE_PATH: `/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules`,
    ...configuration.variables,
    _HANDLER: configuration.handler,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
    AWS_REGION: configuration.region,
    AWS_DEFAULT_REGION: configuration.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: configuration.functionName,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memorySizeMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: `${new Date(options.clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`,
    LAMBDA_TASK_ROOT: options.taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
  };
};
