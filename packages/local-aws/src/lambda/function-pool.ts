import { randomUUID } from 'node:crypto';
import type { Credentials } from '../core/access.ts';
import type { InvocationFault } from '../core/fault.ts';
import { environmentVariables, type EnvironmentHost } from './environment-variables.ts';
import { ExecutionEnvironment, type EnvironmentOutcome } from './execution-environment.ts';
import { lambdaError } from './lambda-error.ts';
import type { UsageBook } from './usage.ts';

export interface PoolOptions extends EnvironmentHost {
  /** Opens a session of the function's role. Called for each new environment. */
  openSession(): Credentials;
  /** Returns whether the account may run another invocation. Not called for functions with reserved concurrency. */
  accountHasRoom(): boolean;
  /** The reserved concurrency; null if only the account's concurrency limits the function. */
  reservedConcurrency(): number | null;
  /** How long an idle environment is kept, in milliseconds. */
  idleMs: number;
  /** How long the init phase may take, in milliseconds. If it takes longer, Lambda ends it and runs it again as part of the invocation. */
  initLimitMs: number;
  usage: UsageBook;
  /** Returns the fault of the next invocation. Called before each invocation. */
  fault(): InvocationFault | undefined;
  /** Called with each line of output. `environmentId` is the environment that wrote the line; null if Lambda ended its init phase. */
  onLine(line: string, requestId: string | null, environmentId: string | null): void;
}

export interface FunctionPool {
  /**
   * Runs an invocation in a warm environment, or else in a new one.
   * @throws AwsError TooManyRequestsException if the concurrency limit is reached
   */
  run(invocation: Pick<Invocation, 'requestId' | 'payload' | 'traceId'>): Promise<EnvironmentOutcome>;
  /** Returns false if the concurrency limit would make {@link run} fail now. */
  hasRoom(): boolean;
  /** The number of invocations in progress. */
  busy(): number;
  /** Returns the process ids of the environments. */
  pids(): number[];
  /** Kills every environment, even during an invocation. The next invocation starts a new environment. */
  kill(): Promise<void>;
  /** Kills the environment with an id, see {@link environmentIdOf}. Resolves to false if the pool has no such environment. */
  killEnvironment(id: string): Promise<boolean>;
  /** Stops the pool. Running invocations finish first. Resolves when all environments are stopped. */
  retire(): Promise<void>;
}

interface Slot {
  id: string;
  environment: ExecutionEnvironment;
  credentialsExpireAtMs: number;
  invocations: number;
  reaper: NodeJS.Timeout | null;
}

/** How long, in milliseconds, the credentials of a reused environment must be valid beyond the function's timeout. */
const CREDENTIAL_MARGIN_MS = 60_000;

/**
 * Creates the pool of execution environments of one version of a function. An invocation runs in a warm environment if there is one. The
 * concurrency limit also limits the number of environments.
 */
export const createFunctionPool = (options: PoolOptions): FunctionPool => {
  const { usage } = options;
  const environments: Environments = { idle: [], slots: new Set(), generation: 0, isRetired: false };
  const { idle, slots } = environments;
  const running = new Set<Promise<unknown>>();
  const hasRoom = (): boolean => {
    const reserved = options.reservedConcurrency();
    return reserved === null ? options.accountHasRoom() : running.size < reserved;
  };
  return {
    run: async (invocation) => {
      if (environments.isRetired || !hasRoom()) {
        usage.throttled();
        throw lambdaError('TooManyRequestsException', 'Rate Exceeded.');
      }
      const run = runOnce(options, environments, invocation);
      running.add(run);
      usage.running(running.size);
      return run.finally(() => running.delete(run));
    },
    hasRoom,
    busy: () => running.size,
    pids: () => [...slots].flatMap((slot) => slot.environment.pid ?? []),
    kill: async () => {
      environments.generation += 1;
      idle.length = 0;
      await discardAll(environments, [...slots]);
    },
    killEnvironment: async (id) => {
      const slot = [...slots].find((each) => each.id === id);
      if (!slot) return false;
      const at = idle.indexOf(slot);
      if (at >= 0) idle.splice(at, 1);
      await discard(environments, slot);
      return true;
    },
    retire: async () => {
      environments.isRetired = true;
      await discardAll(environments, idle.splice(0));
      await Promise.allSettled(running);
      await discardAll(environments, [...slots]);
    },
  };
};

interface Environments {
  /** The idle environments, the most recently used last. */
  idle: Slot[];
  /** All environments, idle or busy. */
  slots: Set<Slot>;
  /**
   * Increases with each {@link FunctionPool.kill}. An environment that was starting at the time of a kill sees from the number that it must
   * stop.
   */
  generation: number;
  isRetired: boolean;
}

const runOnce = async (
  options: PoolOptions,
  environments: Environments,
  asked: Pick<Invocation, 'requestId' | 'payload' | 'traceId'>,
): Promise<EnvironmentOutcome> => {
  const slot = takeWarm(options, environments) ?? (await startInTime(options, environments));
  const { functionArn } = options.configuration;
  const invocation = { ...asked, functionArn };
  const outcome = await invokeUnder(options.fault(), slot.environment, invocation);
  options.usage.record(
    {
      requestId: asked.requestId,
      environmentId: slot.id,
      outcome: outcome.kind,
      cause: outcome.cause,
      durationMs: outcome.durationMs,
      initDurationMs: slot.invocations === 0 ? slot.environment.initDurationMs : null,
    },
    outcome.usage,
  );
  slot.invocations += 1;
  release(environments, slot, options.idleMs);
  return outcome;
};

const takeWarm = ({ clock, configuration }: PoolOptions, environments: Environments): Slot | null => {
  const { idle } = environments;
  for (let slot = idle.pop(); slot; slot = idle.pop()) {
    if (slot.reaper) clearTimeout(slot.reaper);
    slot.reaper = null;
    const neededUntilMs = clock.now() + configuration.timeoutMs + CREDENTIAL_MARGIN_MS;
    if (slot.environment.alive && slot.credentialsExpireAtMs > neededUntilMs) return slot;
    void discard(environments, slot);
  }
  return null;
};

/**
 * Starts an environment. If its init phase takes too long, discards it and starts another one. The init phase of the second one counts as
 * part of the invocation.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
const startInTime = async (options: PoolOptions, environments: Environments): Promise<Slot> => {
  const first = await startSlot(options, environments);
  if (await first.environment.initialised(options.initLimitMs)) return first;
  await discard(environments, first);
  options.onLine(
    `INIT_REPORT Init Duration: ${options.initLimitMs.toFixed(2)} ms\tPhase: init\tStatus: timeout`,
    null,
    null,
  );
  return startSlot(options, environments);
};

const startSlot = async (options: PoolOptions, environments: Environments): Promise<Slot> => {
  const { configuration, taskRoot, clock, onLine } = options;
  const credentials = options.openSession();
  const bornIn = environments.generation;
  const id = randomUUID();
  const environment = await ExecutionEnvironment.start({
    taskRoot,
    memorySizeMb: configuration.memorySizeMb,
    ephemeralStorageMb: configuration.ephemeralStorageMb,
    timeoutMs: configuration.timeoutMs,
    clock,
    variables: { ...environmentVariables(options, credentials), AWS_SDK_UA_APP_ID: id },
    onLine: (line, requestId) => onLine(line, requestId, id),
  });
  const credentialsExpireAtMs = credentials.expiresAtMs ?? Infinity;
  const slot = { id, environment, credentialsExpireAtMs, invocations: 0, reaper: null };
  environments.slots.add(slot);
  if (bornIn !== environments.generation) await environment.stop();
  return slot;
};

const release = (environments: Environments, slot: Slot, idleMs: number): void => {
  const { idle, isRetired } = environments;
  if (isRetired || !slot.environment.alive) {
    void discard(environments, slot);
    return;
  }
  slot.reaper = setTimeout(() => {
    idle.splice(idle.indexOf(slot), 1);
    void discard(environments, slot);
  }, idleMs);
  slot.reaper.unref();
  idle.push(slot);
};

const discard = async ({ slots }: Environments, slot: Slot): Promise<void> => {
  if (slot.reaper) clearTimeout(slot.reaper);
  slots.delete(slot);
  await slot.environment.stop();
};

const discardAll = async (environments: Environments, slots: Slot[]): Promise<void> => {
  await Promise.all(slots.map((slot) => discard(environments, slot)));
};

/**
 * Returns the id of the environment that sent a request. It is in the User-Agent, because each environment sets its id as the SDK's
 * application id.
 */
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
