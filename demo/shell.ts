/** A shell in a folder, in the environment of a person who has never seen this repository. */
import { exec } from 'node:child_process';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';
import { ownPath } from './own-node.ts';

export interface Shell {
  folder: string;
  /**
   * Runs a command and prints it with its output. `quiet` prints nothing. Resolves to the output.
   *
   * @throws Error if the command fails, or if its output does not match
   */
  run(command: string, expected: RegExp, mode?: 'quiet'): Promise<string>;
  say(line: string): void;
}

export const createShell = (folder: string, environment: Record<string, string>): Shell => {
  const given = Object.entries(process.env).filter(([name]) => !LEFT_OUT.test(name));
  const env = { ...Object.fromEntries(given), PATH: ownPath().join(delimiter), ...environment };
  return {
    folder,
    async run(command, expected, mode) {
      if (mode !== 'quiet') console.log(`\n$ ${command}`);
      const options = { cwd: folder, env, timeout: TIMEOUT_MS };
      const { stdout, stderr } = await promisify(exec)(command, options).catch((error: Error) => {
        throw new Error(`${command} failed:\n${outputOf(error)}`, { cause: error });
      });
      const output = `${stderr}${stdout}`.trim();
      if (mode !== 'quiet') console.log(output);
      if (!expected.test(output)) throw new Error(`${command} printed nothing like ${expected}:\n${output}`);
      return stdout;
    },
    say: (line) => console.log(`\n${line}`),
  };
};

/**
 * Matches the environment variables to leave out: those of AWS, and those in which npm hands the repository's folder to scripts.
 */
const LEFT_OUT = /^(AWS_|NODE_OPTIONS$|INIT_CWD$|npm_(?!config_(registry|cafile)$))/i;

/** How long one command may take. */
const TIMEOUT_MS = 120_000;

const outputOf = (error: Error & { stdout?: string; stderr?: string }): string =>
  `${error.stderr ?? ''}${error.stdout ?? ''}` || error.message;
