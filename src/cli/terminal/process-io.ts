import { createInterface } from 'node:readline/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { CliIo } from './io.ts';

/** The real terminal, environment and clock. To be called once, because it installs handlers for SIGINT and SIGTERM. */
export const processIo = (): CliIo => {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The handler works only once: a second Ctrl-C ends the process immediately, as people expect.
    process.once(signal, () => controller.abort());
  }
  // `… | head` closes the pipe early, which is not a failure.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    interrupted: controller.signal,
    ask: process.stdin.isTTY && process.stderr.isTTY ? (question) => ask(question, controller) : null,
    now: () => Date.now(),
    sleep: (ms) => wait(ms, undefined, { signal: controller.signal }).catch(() => undefined),
  };
};

/** Writes the question to standard error, because standard output may be a pipe. */
const ask = async (question: string, controller: AbortController): Promise<string | null> => {
  const { signal } = controller;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // While readline waits for an answer, it receives Ctrl-C instead of the process.
  lines.once('SIGINT', () => controller.abort());
  const closed = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
  try {
    return await Promise.race([lines.question(question, { signal }), closed]);
  } catch {
    return null;
  } finally {
    lines.close();
  }
};
