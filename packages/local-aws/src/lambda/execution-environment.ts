import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../core/clock.ts';
import { createLogReader } from './log-lines.ts';
import { watchMemory } from './memory-watch.ts';
import {
  startRuntimeApi,
  type PendingInvocation,
  type ResourceUsage,
  type RuntimeAnswer,
  type RuntimeApi,
} from './runtime-api.ts';
import { exitFailure, timeoutFailure, type ProcessEnd } from './runtime-failure.ts';

export interface EnvironmentOptions {
  /** The folder of the unpacked code, which is also the value of LAMBDA_TASK_ROOT. */
  taskRoot: string;
  memorySizeMb: number;
  timeoutMs: number;
  clock: Clock;
  /** All environment variables of the process, except AWS_LAMBDA_RUNTIME_API. */
  variables: Record<string, string>;
  onLine(line: string, requestId: string | null): void;
}

/** The outcome of an invocation. `payload` is JSON. */
export interface EnvironmentOutcome {
  kind: 'response' | 'error';
  payload: string;
  /** Whether the function sent the response itself (`answered`), or else why it did not. */
  cause: 'answered' | 'timed-out' | 'exited' | 'init-failed';
  durationMs: number;
  /** The resource usage of the process since its start; null if the process ended before it reported any. */
  usage: ResourceUsage | null;
}

/** The result of a wait for the process. */
type Waited = 'done' | 'timed-out' | ProcessEnd;

const isExit = (waited: Waited): waited is ProcessEnd => typeof waited === 'object';

/** How long the init phase may take in Lambda. If it takes longer, Lambda runs it again during the invocation. */
const INIT_LIMIT_MS = 10_000;
const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.mjs', import.meta.url));

/**
 * An execution environment. It is a child process that runs one invocation at a time. It is discarded when an invocation times out, or
 * when the process crashes or fails to start. This is a class because it encapsulates the state of the process.
 */
export class ExecutionEnvironment {
  readonly startedAtMs = Date.now();
  /** The time from the start of the process to its first request for an invocation; null before that request. */
  initDurationMs: number | null = null;
  readonly #options: EnvironmentOptions;
  readonly #api: RuntimeApi;
  readonly #child: ChildProcess;
  readonly #ended: Promise<ProcessEnd>;
  readonly #idleWaiters: (() => void)[] = [];
  readonly #streamEnds = new Set<string>();
  #idle = false;
  #alive = true;
  #outOfMemory = false;
  #requestId: string | null = null;
  #answer: RuntimeAnswer | null = null;

  static async start(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
    let environment: ExecutionEnvironment | null = null;
    const api = await startRuntimeApi({
      onNext: () => environment?.onNext(),
      onAnswer: (answer) => environment?.onAnswer(answer),
    });
    environment = new ExecutionEnvironment(options, api);
    return environment;
  }

  private constructor(options: EnvironmentOptions, api: RuntimeApi) {
    this.#options = options;
    this.#api = api;
    this.#child = spawn(process.execPath, [...heapFlags(options.memorySizeMb), BOOTSTRAP], {
      cwd: options.taskRoot,
      env: { ...options.variables, AWS_LAMBDA_RUNTIME_API: api.address },
      // The fourth stream is closed whenever this process ends, even after a crash. The child then ends too.
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#readLog(this.#child.stdout, 'stdout');
    this.#readLog(this.#child.stderr, 'stderr');
    // If the child ends before this process, the fourth stream fails. This is not an error here.
    this.#child.stdio[3]?.on('error', () => undefined);
    const endWatch = this.#watchMemory();
    this.#ended = new Promise((resolve) => {
      const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
        endWatch();
        this.#alive = false;
        this.#api.close();
        resolve({ exitCode, signal, outOfMemory: this.#outOfMemory });
      };
      this.#child.once('error', () => end(null, null)).once('close', end);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** True if the environment can run another invocation. */
  get alive(): boolean {
    return this.#alive;
  }

  /**
   * Runs an invocation. The caller must not start another invocation before this one has ended. After `endAfterMs`, the invocation times
   * out, even if the deadline that the function received is later.
   */
  async invoke(
    invocation: Omit<PendingInvocation, 'deadlineMs' | 'clockOffsetMs'>,
    endAfterMs = Infinity,
  ): Promise<EnvironmentOutcome> {
    this.#requestId = invocation.requestId;
    this.#answer = null;
    this.#streamEnds.clear();
    const initLimitMs = INIT_LIMIT_MS + this.#options.timeoutMs;
    const started = await this.#waitFor(this.#untilIdle(), initLimitMs);
    if (started !== 'done') return this.#failure(invocation.requestId, started, this.startedAtMs);
    const startedAtMs = Date.now();
    this.#idle = false;
    const clockOffsetMs = this.#options.clock.now() - startedAtMs;
    const deadlineMs = startedAtMs + clockOffsetMs + this.#options.timeoutMs;
    this.#api.give({ ...invocation, deadlineMs, clockOffsetMs });
    const limitMs = Math.min(this.#options.timeoutMs, endAfterMs);
    const finished = await this.#waitFor(this.#untilIdle(), limitMs);
    const answer = this.#answered(invocation.requestId);
    if (!answer) return this.#failure(invocation.requestId, finished, startedAtMs);
    // The process sent a response but did not ask for another invocation in time, so it cannot be used again.
    if (finished !== 'done') await this.stop();
    this.#requestId = null;
    return {
      kind: answer.kind === 'response' ? 'response' : 'error',
      payload: answer.payload,
      cause: 'answered',
      durationMs: Date.now() - startedAtMs,
      usage: answer.usage,
    };
  }

  /** Kills the process. An invocation in progress fails. */
  async stop(): Promise<void> {
    this.#alive = false;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  onNext(): void {
    this.initDurationMs ??= Date.now() - this.startedAtMs;
    this.#idle = true;
    this.#wakeIdleWaiters();
  }

  onAnswer(answer: RuntimeAnswer): void {
    this.#answer = answer;
  }

  #answered(requestId: string): RuntimeAnswer | null {
    return this.#answer?.requestId === requestId ? this.#answer : null;
  }

  #readLog(stream: Readable | null, name: string): void {
    const reader = createLogReader({
      onLine: (line) => this.#options.onLine(line, this.#requestId),
      onEnd: () => {
        this.#streamEnds.add(name);
        this.#wakeIdleWaiters();
      },
    });
    stream?.on('data', (chunk: Buffer) => reader.read(chunk)).on('end', () => reader.flush());
  }

  #watchMemory(): () => void {
    const { pid } = this.#child;
    if (pid === undefined) return () => undefined;
    return watchMemory(pid, this.#options.memorySizeMb * 1024 * 1024, () => {
      this.#outOfMemory = true;
      this.#child.kill('SIGKILL');
    });
  }

  /** Resolves when the process is idle and every log line of the last invocation has been read. */
  async #untilIdle(): Promise<void> {
    while (!this.#idle || (this.#answer !== null && this.#streamEnds.size < 2)) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
  }

  #wakeIdleWaiters(): void {
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  async #waitFor(event: Promise<void>, limitMs: number): Promise<Waited> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<'timed-out'>((resolve) => {
      timer = setTimeout(() => resolve('timed-out'), limitMs);
    });
    try {
      return await Promise.race([event.then(() => 'done' as const), limit, this.#ended]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #failure(requestId: string, how: Waited, startedAtMs: number): Promise<EnvironmentOutcome> {
    await this.stop();
    const initError = this.#answer?.kind === 'init-error' ? this.#answer : null;
    const error = isExit(how)
      ? exitFailure(requestId, how)
      : timeoutFailure(requestId, this.#options.timeoutMs);
    if (!initError) this.#options.onLine(`${new Date().toISOString()} ${error.errorMessage}`, requestId);
    this.#requestId = null;
    return {
      kind: 'error',
      payload: initError?.payload ?? JSON.stringify(error),
      cause: initError ? 'init-failed' : isExit(how) ? 'exited' : 'timed-out',
      durationMs: Date.now() - startedAtMs,
      usage: this.#answer?.usage ?? null,
    };
  }
}

/** The flags for the heap sizes. As in Lambda's Node.js images, a tenth of the memory is for the young generation. */
const heapFlags = (memorySizeMb: number): string[] => {
  const youngMb = Math.floor(memorySizeMb / 10);
  return [
    `--max-old-space-size=${memorySizeMb - youngMb}`,
    `--max-semi-space-size=${Math.floor(youngMb / 2)}`,
  ];
};
