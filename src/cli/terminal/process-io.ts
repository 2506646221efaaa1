import { createInterface } from 'node:readline/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { CliIo, Output } from './io.ts';

/** Returns the real terminal, environment and clock. Call this function only once, because it installs handlers for SIGINT and SIGTERM. */
export const processIo = (): CliIo => {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The handler is removed after the first signal, so a second Ctrl-C ends the process immediately.
    process.once(signal, () => controller.abort());
  }
  // A program such as `head` may close the pipe early. That is not a failure.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  const stdout = outputOf(process.stdout);
  return {
    stdout,
    stderr: outputOf(process.stderr),
    get columns() {
      return stdout.columns ?? Infinity;
    },
    env: process.env,
    useProfile,
    cwd: process.cwd(),
    interrupted: controller.signal,
    ask: process.stdin.isTTY && process.stderr.isTTY ? (question) => ask(question, controller) : null,
    now: () => Date.now(),
    sleep: (ms) => wait(ms, undefined, { signal: controller.signal }).catch(() => undefined),
  };
};

/**
 * Makes the SDK use the profile. With AWS_PROFILE the SDK ignores static credentials in the environment, but writes a warning about them.
 */
export const useProfile = (profile: string): void => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
    delete process.env[name];
  process.env['AWS_PROFILE'] = profile;
};

/**
 * Reads the width at each use, because it changes with the window. `COLUMNS` takes precedence over the width of the window, so that a
 * user can choose a width for a pipe.
 */
const outputOf = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => stream.write(text),
  isTTY: stream.isTTY,
  get columns() {
    // A terminal of unknown size reports 0 columns.
    return widthIn(process.env['COLUMNS']) ?? (stream.isTTY ? stream.columns || DEFAULT_COLUMNS : undefined);
  },
  get rows() {
    return stream.rows || undefined;
  },
});

const DEFAULT_COLUMNS = 80;

const widthIn = (text: string | undefined): number | null => {
  const columns = Number(text);
  return Number.isInteger(columns) && columns > 0 ? columns : null;
};

/** Writes the question to standard error, because standard output may be a pipe. */
const ask = async (question: string, controller: AbortController): Promise<string | null> => {
  const { signal } = controller;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // While readline waits for input, Ctrl-C goes to readline and not to the process.
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
