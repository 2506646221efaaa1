/** Runs one function in a process of the local Lambda host, and measures the cost of its work. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { ExecutionEnvironment, type ResourceUsage } from '@s3-replicator/local-aws/lambda';
import type { Code } from './artifact.ts';

export interface Measured {
  seconds: number;
  /** How much user and system time the function's process took for this invocation. */
  cpuSeconds: number;
  /** How long the function's main thread was ready to work while other programs had the cores. 0 where the system does not count it. */
  waitedSeconds: number;
  /** The result as JSON. */
  payload: string;
}

export interface FunctionProcess {
  /** How long the process takes from its start to its first request for work. */
  initMs(): Promise<number>;
  /** Invokes the function. Throws if the function fails. The CPU time of the first invocation includes loading the code. */
  invoke(event: unknown): Promise<Measured>;
  peakRssBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** The memory size in serverless.yml. */
const MEMORY_SIZE_MB = 1_769;
const TIMEOUT_MS = 900_000;

export const startFunction = async (
  code: Code,
  variables: Record<string, string>,
): Promise<FunctionProcess> => {
  const output: string[] = [];
  const environment = await ExecutionEnvironment.start({
    taskRoot: code.directory,
    memorySizeMb: MEMORY_SIZE_MB,
    timeoutMs: TIMEOUT_MS,
    clock: { now: Date.now },
    variables: { PATH: process.env['PATH'] ?? '', TZ: ':UTC', ...variables, ...lambdaVariables(code) },
    onLine: (line) => {
      output.push(line);
      if (output.length > KEPT_LINES) output.shift();
    },
  });
  let usageBefore: ResourceUsage = { maxRSS: 0, userCPUTime: 0, systemCPUTime: 0 };
  return {
    initMs: async () => {
      while (environment.alive && environment.initDurationMs === null) await setTimeout(5);
      if (environment.initDurationMs === null)
        throw new Error(`the function did not start: ${output.join('\n')}`);
      return environment.initDurationMs;
    },
    invoke: async (event) => {
      const waitedBefore = await waitedSeconds(environment.pid);
      const startedMs = performance.now();
      const outcome = await environment.invoke({
        requestId: randomUUID(),
        functionArn: 'arn:aws:lambda:us-east-1:111111111111:function:bench',
        payload: JSON.stringify(event),
        traceId: '',
      });
      const seconds = (performance.now() - startedMs) / 1_000;
      if (outcome.kind === 'error' || outcome.usage === null) {
        throw new Error(`the function failed: ${outcome.payload}\n${output.join('\n')}`);
      }
      const cpuSeconds = (cpuMicroseconds(outcome.usage) - cpuMicroseconds(usageBefore)) / 1e6;
      usageBefore = outcome.usage;
      if (outcome.payload.includes('itemIdentifier'))
        throw new Error(`not replicated:\n${output.join('\n')}`);
      const waited = (await waitedSeconds(environment.pid)) - waitedBefore;
      return { seconds, cpuSeconds, waitedSeconds: waited, payload: outcome.payload };
    },
    peakRssBytes: () => peakRssBytes(environment.pid, usageBefore),
    stop: () => environment.stop(),
  };
};

const KEPT_LINES = 20;

const lambdaVariables = ({ handler, directory }: Code): Record<string, string> => ({
  _HANDLER: handler,
  LAMBDA_TASK_ROOT: directory,
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MEMORY_SIZE_MB),
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'ASIABENCH',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
});

const cpuMicroseconds = ({ userCPUTime, systemCPUTime }: ResourceUsage): number =>
  userCPUTime + systemCPUTime;

/** Reads from Linux's /proc how long the main thread has waited for a core since it began. */
const waitedSeconds = async (pid: number | undefined): Promise<number> => {
  const [, waitedNs] = (await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')).split(' ');
  return Number(waitedNs ?? 0) / 1e9;
};

/**
 * Reads the peak memory from Linux's /proc. On other systems the maxRSS of getrusage is used. That value is less exact, because it starts
 * with the value that the parent process had at the time of the fork.
 */
const peakRssBytes = async (pid: number | undefined, usage: ResourceUsage): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
  return (kibibytes === undefined ? usage.maxRSS : Number(kibibytes)) * 1_024;
};
