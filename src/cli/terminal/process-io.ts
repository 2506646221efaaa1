import { createInterface } from 'node:readline/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { CliIo } from './io.ts';

/** The real terminal, environment and clock. Called once: it takes over SIGINT and SIGTERM. */
export const processIo = (): CliIo => {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Once: a second Ctrl-C ends the process at once, as everybody expects.
    process.once(signal, () => controller.abort());
  }
  // `… | head` closes the pipe early. That is no failure of ours.
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

/** The question goes to standard error: results may be piped on. */
const ask = async (question: string, controller: AbortController): Promise<string | null> => {
  const { signal } = controller;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads, the terminal gives Ctrl-C to it and not to the process.
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
