import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PATIENCE } from './lambda-fixture.ts';

/**
 * Returns the program of a host process, which the test kills. It prints the process id of a function and
 * then waits.
 */
const host = (isBusy: boolean): string => `
  import { startLambdaFixture } from ${JSON.stringify(new URL('lambda-fixture.ts', import.meta.url).href)};
  const fixture = await startLambdaFixture();
  const code = 'exports.handler = async ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms))';
  await fixture.deploy('sleeper', code, { Timeout: 60 });
  await fixture.lambda.invoke('sleeper', { ms: 0 });
  if (${isBusy}) void fixture.lambda.invoke('sleeper', { ms: 50_000 });
  console.log(fixture.lambda.function('sleeper').pool().pids()[0]);
  setTimeout(() => {}, 60_000);`;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test.each([
  ['an idle', false],
  ['a busy', true],
])(
  '%s function process ends when its host is killed without a chance to clean up',
  async (_which, isBusy) => {
    const directory = await mkdtemp(join(tmpdir(), 'orphans-'));
    const running = spawn(process.execPath, ['--input-type=module', '--eval', host(isBusy)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: directory },
    });
    const pid = await new Promise<number>((resolve) => {
      running.stdout.once('data', (text) => resolve(Number(text)));
    });
    expect(isAlive(pid)).toBe(true);
    running.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), PATIENCE).toBe(false);
    await rm(directory, { recursive: true, force: true });
  },
);
