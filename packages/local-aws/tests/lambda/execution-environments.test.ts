/** Execution environments: the processes in which functions run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACCOUNT_ID, ROLE_ARN, startLambdaFixture, type LambdaFixture, PATIENCE } from './lambda-fixture.ts';

let fixture: LambdaFixture;
beforeEach(async () => {
  fixture = await startLambdaFixture();
});
afterEach(() => fixture.close());

const answer = async (name: string, payload: unknown = {}): Promise<unknown> => {
  const result = await fixture.lambda.invoke(name, payload);
  return { functionError: result.functionError, payload: JSON.parse(result.payload) as unknown };
};

const SLOW = `let calls = 0; exports.handler = async ({ ms = 0 }) => { await new Promise((r) => setTimeout(r, ms)); return { pid: process.pid, calls: ++calls } }`;

test('one execution environment serves one invocation after the other', async () => {
  await fixture.deploy('counter', SLOW);
  await answer('counter');
  expect(await answer('counter')).toMatchObject({ payload: { calls: 2 } });
  expect(fixture.lambda.usage('counter')).toMatchObject({
    invocations: 2,
    coldStarts: 1,
    peakConcurrency: 1,
  });
});

test('concurrent invocations get one execution environment each', async () => {
  await fixture.deploy('parallel', SLOW);
  const answers = await Promise.all([1, 2, 3].map(() => answer('parallel', { ms: 300 })));
  const pids = new Set(answers.map((each) => (each as { payload: { pid: number } }).payload.pid));
  expect(pids.size).toBe(3);
  expect(fixture.lambda.usage('parallel').peakConcurrency).toBe(3);
});

test('invocations beyond the reserved concurrency are throttled', async () => {
  await fixture.deploy('reserved', SLOW, { ReservedConcurrentExecutions: 1 });
  const running = answer('reserved', { ms: 300 });
  await expect(answer('reserved')).rejects.toMatchObject({ code: 'TooManyRequestsException', status: 429 });
  await running;
  expect(await answer('reserved')).toMatchObject({ functionError: null });
  expect(fixture.lambda.usage('reserved').throttles).toBe(1);
});

test('an execution environment is replaced before its credentials expire', async () => {
  await fixture.deploy('keys', `exports.handler = async () => process.env.AWS_ACCESS_KEY_ID`);
  const first = await answer('keys');
  expect(await answer('keys')).toEqual(first);
  fixture.clock.advance(12 * 3_600_000 - 30_000);
  expect(await answer('keys')).not.toEqual(first);
});

test('an execution environment can be killed in the middle of its work', async () => {
  await fixture.deploy('victim', SLOW, { Timeout: 60 });
  await answer('victim');
  const running = answer('victim', { ms: 50_000 });
  await sleep(50);
  await fixture.lambda.killEnvironments('victim');
  expect(await running).toMatchObject({
    payload: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('signal: killed') },
  });
  expect(await answer('victim')).toMatchObject({ payload: { calls: 1 } });
});

test('an execution environment of the old code finishes its work after an update', async () => {
  await fixture.deploy('versions', SLOW);
  await answer('versions');
  const running = answer('versions', { ms: 200 });
  const updated = fixture.lambda.updateFunction({
    accountId: ACCOUNT_ID,
    region: 'eu-central-1',
    zipFile: await fixture.zip(`exports.handler = async () => 'new'`),
    properties: {
      FunctionName: 'versions',
      Handler: 'src/index.handler',
      Runtime: 'nodejs24.x',
      Role: ROLE_ARN,
    },
  });
  await updated;
  expect(await running).toMatchObject({ payload: { calls: 2 } });
  expect(await answer('versions')).toMatchObject({ payload: 'new' });
});

test('an execution environment that is idle too long is ended', async () => {
  await fixture.close();
  fixture = await startLambdaFixture({ idleMs: 20 });
  await fixture.deploy('idle', SLOW);
  await answer('idle');
  await expect.poll(() => fixture.lambda.function('idle').pool().pids(), PATIENCE).toEqual([]);
});

test('the processor time and memory of each invocation are reported', async () => {
  await fixture.deploy(
    'burner',
    `exports.handler = async () => { const until = process.cpuUsage().user + 50_000; while (process.cpuUsage().user < until); return Buffer.alloc(3e7, 1).length }`,
    { Timeout: 30 },
  );
  await answer('burner');
  await answer('burner');
  const { latest } = fixture.lambda.usage('burner');
  expect(latest.map((each) => each.initDurationMs === null)).toEqual([false, true]);
  for (const each of latest) expect(each.cpuMs).toBeGreaterThan(40);
  expect(latest[0]?.peakRssBytes).toBeGreaterThan(3e7);
});

test('timers of a function stand still between its invocations', async () => {
  await fixture.deploy(
    'ticker',
    `let ticks = 0; exports.handler = async () => { const before = ticks; setInterval(() => ticks++, 5); return before }`,
  );
  await answer('ticker');
  await sleep(200);
  const { payload } = (await answer('ticker')) as { payload: number };
  // Without the freeze, the timer would run 40 times. With it, the timer runs once when the process
  // continues.
  expect(payload).toBeLessThan(5);
});

test('a function can write to its temporary folder only, and no file larger than its storage', async () => {
  await fixture.deploy(
    'writer',
    `const fs = require('node:fs'); const os = require('node:os');
     const failure = (write) => { try { write(); return null } catch (error) { return error.code } };
     exports.handler = async () => [
       failure(() => fs.writeFileSync(process.env.LAMBDA_TASK_ROOT + '/file', 'x')),
       failure(() => fs.writeFileSync(os.tmpdir() + '/file', 'x')),
       failure(() => fs.truncateSync(os.tmpdir() + '/file', 512 * 1024 * 1024)),
       failure(() => fs.truncateSync(os.tmpdir() + '/file', 512 * 1024 * 1024 + 1)),
     ]`,
  );
  expect(await answer('writer')).toMatchObject({ payload: ['ERR_ACCESS_DENIED', null, null, 'EFBIG'] });
});

const SLOW_INIT = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500); exports.handler = async () => 'ready'`;

test.each([
  ['succeeds if the function has time for it', 20, { functionError: null, payload: 'ready' }],
  ['times out if not', 1, { payload: { errorType: 'Sandbox.Timedout' } }],
])(
  'an init phase that exceeds its limit is ended and repeated as part of the invocation, which %s',
  async (_what, Timeout, expected) => {
    await fixture.close();
    fixture = await startLambdaFixture({ initLimitMs: 300 });
    await fixture.deploy('slow', SLOW_INIT, { Timeout });
    expect(await answer('slow')).toMatchObject(expected);
    expect(fixture.lines.map(({ line }) => line)).toContain(
      'INIT_REPORT Init Duration: 300.00 ms\tPhase: init\tStatus: timeout',
    );
  },
);
