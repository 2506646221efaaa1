/** Runs other programs and measures their CPU time and memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';

/** Resolves to null if the tool is not installed. */
export const versionOf = async ([command = '', ...argv]: string[]): Promise<string | null> => {
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  child.on('error', () => undefined);
  const [output, code] = await Promise.all([text(child.stdout), ended(child)]);
  return code === 0 ? (/\d+\.\d+[.\d]*/.exec(output)?.[0] ?? '') : null;
};

const ended = async (child: ReturnType<typeof spawn>): Promise<number> =>
  await once(child, 'close').then(
    ([code]: (number | null)[]) => code ?? 1,
    () => 1,
  );

export interface Used {
  cpuSeconds: number;
  /** 0 if Linux's /proc does not report it. */
  peakBytes: number;
  code: number;
  output: string;
}

/** Runs the command in a shell, which prints the CPU time of the command. Node does not measure the CPU time of a child. */
export const runMeasured = async (argv: string[], variables: Record<string, string>): Promise<Used> => {
  const child = spawn('sh', ['-c', '"$@" >&2; echo "$?"; times', 'sh', ...argv], {
    env: { ...process.env, ...variables },
  });
  const all = Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
  let peakBytes = 0;
  while (child.exitCode === null) {
    peakBytes = Math.max(peakBytes, await peakOfChildren(child.pid ?? 0));
    await setTimeout(20);
  }
  const [times, output] = await all;
  const [code, , children = ''] = times.split('\n');
  const [user = '', system = ''] = children.split(' ');
  return { cpuSeconds: secondsIn(user) + secondsIn(system), peakBytes, code: Number(code), output };
};

/** Converts a time like `1m2.5s` to seconds. */
const secondsIn = (time: string): number => {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(time) ?? [];
  return Number(minutes) * 60 + Number(seconds);
};

/** Returns the peak memory of the process's children, or 0 if Linux's /proc does not report it. */
const peakOfChildren = async (pid: number): Promise<number> => {
  const read = async (path: string): Promise<string> => await readFile(path, 'utf8').catch(() => '');
  const children = (await read(`/proc/${pid}/task/${pid}/children`)).trim().split(' ').filter(Boolean);
  const each = await Promise.all(
    children.map(async (child) => {
      const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(await read(`/proc/${child}/status`))?.[1];
      return Math.max(Number(kibibytes ?? 0) * 1_024, await peakOfChildren(Number(child)));
    }),
  );
  return Math.max(0, ...each);
};
