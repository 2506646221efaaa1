/** Serves the console of a deployment in a separate process, as an operator would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY, withoutAws } from './serverless.ts';

export interface ServedConsole extends AsyncDisposable {
  /** The link that signs in one browser. */
  link: string;
}

/** `argv` are the arguments after `console`. Relative files are written into `cwd`. @throws Error if the console cannot be started */
export const serveConsole = async (
  argv: readonly string[],
  environment: Record<string, string>,
  cwd = REPOSITORY,
): Promise<ServedConsole> => {
  const script = join(REPOSITORY, 'bin', 's3-replicator.mjs');
  const child = spawn(process.execPath, [script, 'console', ...argv], {
    cwd,
    env: { ...withoutAws(process.env), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), ended]);
  if (typeof line !== 'string') throw new Error('the console could not be started');
  return {
    link: line,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
};
