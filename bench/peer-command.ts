/** Runs a command in a process of its own, and measures that process. Needs GNU time. */
import { execFile } from 'node:child_process';

export interface Measured {
  /** User and system time, with all threads and the processes that it started. */
  cpuSeconds: number;
  peakRssBytes: number;
}

const TIME = '/usr/bin/time';
const FORM = 'measured %U %S %M';

/** Rejects if the command fails. */
export const measureCommand = (
  [program = '', ...argv]: readonly string[],
  environment: Record<string, string>,
): Promise<Measured> =>
  new Promise((resolve, reject) => {
    execFile(
      TIME,
      ['-f', FORM, program, ...argv],
      { env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...environment }, maxBuffer: 2 ** 26 },
      (error, _out, err) => {
        const [, user, system, kibibytes] = /measured (\S+) (\S+) (\d+)\s*$/.exec(err) ?? [];
        if (error !== null || kibibytes === undefined) {
          reject(new Error(`${program} ${argv.join(' ')}: ${err.slice(-2_000)}`));
          return;
        }
        resolve({ cpuSeconds: Number(user) + Number(system), peakRssBytes: Number(kibibytes) * 1024 });
      },
    );
  });

/** Resolves to the first line that a program says about its version; null: it is not installed. */
export const versionOf = (program: string, option: string): Promise<string | null> =>
  new Promise((resolve) => {
    execFile(program, [option], (error, out) =>
      resolve(error === null ? (out.split('\n', 1)[0] ?? '').trim() : null),
    );
  });
