import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import { spawnFunction, type FunctionProcessOptions } from './function-process.ts';
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

export interface EnvironmentOptions extends Omit<FunctionProcessOptions, 'temporaryDirectory'> {
  timeoutMs: number;
  clock: Clock;
  onLine(line: string, requestId: string | null): void;
}

/** The outcome of an invocation. `payload` is JSON. */
export interface EnvironmentOutcome {
  kind: 'response' | 'error';
  payload: string;
  /** Why the invocation ended: the function sent a response (`answered`), or one of the failures. */
  cause: 'answered' | 'timed-out' | 'exited' | 'init-failed';
  durationMs: number;
  /** The resource usage of the process since its start; null if the process ended before it reported any. */
  usage: ResourceUsage | null;
}

/** How a wait for the process ended. */
type Waited = 'done' | 'timed-out' | ProcessEnd;

const isExit = (waited: Waited): waited is ProcessEnd => typeof waited === 'object';

/**
 * An execution environment. It is a child process that runs one invocation at a time and is frozen between invocations. It is discarded
 * when an invocation times out, or when the process crashes or fails to start. This is a class because it encapsulates the state of the
 * process.
 */
export class ExecutionEnvironment {
  readonly startedAtMs = Date.now();
  /** The time from the start of the process to its first request for an invocation; null before that request. */
  initDurationMs: number | null = null;
  readonly #options: EnvironmentOptions;
  readonly #api: RuntimeApi;
  readonly #child: ChildProcess;
  readonly #temporaryDirectory: string;
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
    const temporaryDirectory = await mkdtemp(join(tmpdir(), 'lambda-'));
    environment = new ExecutionEnvironment(options, api, temporaryDirectory);
    return environment;
  }

  private constructor(options: EnvironmentOptions, api: RuntimeApi, temporaryDirectory: string) {
    this.#options = options;
    this.#api = api;
    this.#temporaryDirectory = temporaryDirectory;
    this.#child = spawnFunction({ ...options, temporaryDirectory }, api.address);
    this.#readLog(this.#child.stdout, 'stdout');
    this.#readLog(this.#child.stderr, 'stderr');
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

  /** Waits for the end of the init phase. Resolves to false, and ends the process, if the phase takes longer than `limitMs`. */
  async initialised(limitMs: number): Promise<boolean> {
    if ((await this.#waitFor(this.#untilIdle(), limitMs)) !== 'timed-out') return true;
    await this.stop();
    return false;
  }

  /**
   * Runs an invocation. The caller must wait for its end before it starts another one. If the init phase has not ended, its time counts as
   * part of the invocation. After `endAfterMs`, the invocation times out, even if the deadline that the function received is later.
   */
  async invoke(
    invocation: Omit<PendingInvocation, 'deadlineMs' | 'clockOffsetMs'>,
    endAfterMs = Infinity,
  ): Promise<EnvironmentOutcome> {
    this.#requestId = invocation.requestId;
    if (this.#answer?.kind !== 'init-error') this.#answer = null;
    this.#streamEnds.clear();
    const startedAtMs = Date.now();
    const started = await this.#waitFor(this.#untilIdle(), this.#options.timeoutMs);
    if (started !== 'done') return this.#failure(invocation.requestId, started, this.startedAtMs);
    this.#idle = false;
    const clockOffsetMs = this.#options.clock.now() - startedAtMs;
    const deadlineMs = startedAtMs + clockOffsetMs + this.#options.timeoutMs;
    this.#api.give({ ...invocation, deadlineMs, clockOffsetMs });
    this.#thaw();
    const leftMs = startedAtMs + this.#options.timeoutMs - Date.now();
    const limitMs = Math.min(leftMs, endAfterMs);
    const finished = await this.#waitFor(this.#untilIdle(), limitMs);
    const answer = this.#answered(invocation.requestId);
    if (!answer) return this.#failure(invocation.requestId, finished, startedAtMs);
    // The process sent a response but did not ask for the next invocation in time, so it cannot be used again.
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
    await rm(this.#temporaryDirectory, { recursive: true, force: true });
  }

  onNext(): void {
    this.initDurationMs ??= Date.now() - this.startedAtMs;
    this.#idle = true;
    this.#wakeIdleWaiters();
  }

  onAnswer(answer: RuntimeAnswer): void {
    this.#answer = answer;
  }

  /** Sends the byte for which the process waits. Until it arrives, no timer or callback in the process runs. */
  #thaw(): void {
    const [, , , , gate] = this.#child.stdio;
    if (gate instanceof Writable) gate.write('.');
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
