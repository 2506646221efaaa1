import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ACCOUNT_ID,
  LOGS_POLICY,
  startLambdaFixture,
  type LambdaFixture,
  PATIENCE,
} from './lambda-fixture.ts';

let fixture: LambdaFixture;
beforeEach(async () => {
  fixture = await startLambdaFixture();
});
afterEach(() => fixture.close());

const answer = async (name: string, payload: unknown = {}): Promise<unknown> => {
  const result = await fixture.lambda.invoke(name, payload);
  return { functionError: result.functionError, payload: JSON.parse(result.payload) as unknown };
};

test('a function gets the event and a context with its name, ARN, memory, request id and remaining time', async () => {
  await fixture.deploy(
    'echo',
    `exports.handler = async (event, context) => ({ event, ...context, left: context.getRemainingTimeInMillis() })`,
    { Timeout: 30, MemorySize: '256' },
  );
  const { payload } = (await answer('echo', { a: 1 })) as { payload: Record<string, unknown> };
  expect(payload).toMatchObject({
    event: { a: 1 },
    functionName: 'echo',
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:eu-central-1:${ACCOUNT_ID}:function:echo`,
    memoryLimitInMB: '256',
    logGroupName: '/aws/lambda/echo',
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(payload.left).toBeGreaterThan(20_000);
  expect(payload.left).toBeLessThanOrEqual(30_000);
});

test('a function sees its own variables and those of Lambda, and none of the host', async () => {
  process.env.SECRET_OF_THE_HOST = 'secret';
  await fixture.deploy('env', `exports.handler = async () => process.env`, {
    Environment: { Variables: { TABLE: 'table', COUNT: 3 } },
  });
  const { payload } = (await answer('env')) as { payload: Record<string, string> };
  delete process.env.SECRET_OF_THE_HOST;
  expect(payload).toMatchObject({
    TABLE: 'table',
    COUNT: '3',
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: 'env',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_ENDPOINT_URL: 'https://127.0.0.1:1',
    _HANDLER: 'src/index.handler',
    TZ: ':UTC',
  });
  expect(payload).not.toHaveProperty('SECRET_OF_THE_HOST');
  expect(payload).not.toHaveProperty('HOME');
  expect(fixture.iam.callerOf(payload.AWS_ACCESS_KEY_ID ?? '', payload.AWS_SESSION_TOKEN)).toMatchObject({
    status: 'active',
    caller: { arn: `arn:aws:sts::${ACCOUNT_ID}:assumed-role/function-role/env` },
  });
});

test('a function that throws returns its error as payload and stays warm', async () => {
  await fixture.deploy('thrower', `exports.handler = async () => { throw new TypeError('no good') }`);
  const first = await answer('thrower');
  await answer('thrower');
  expect(first).toMatchObject({
    functionError: 'Unhandled',
    payload: { errorType: 'TypeError', errorMessage: 'no good', trace: expect.any(Array) },
  });
  expect(fixture.lambda.usage('thrower')).toMatchObject({ invocations: 2, errors: 2, coldStarts: 1 });
});

test('a function that returns nothing answers null', async () => {
  await fixture.deploy('silent', `exports.handler = async () => {}`);
  expect(await answer('silent')).toEqual({ functionError: null, payload: null });
});

// Retried, because on a busy machine the timeout of one second may pass before the function has started.
test('a function is killed at its timeout and starts cold the next time', { retry: 2 }, async () => {
  await fixture.deploy(
    'slow',
    `let calls = 0; exports.handler = async ({ ms }) => { await new Promise((r) => setTimeout(r, ms)); return ++calls }`,
    { Timeout: 1 },
  );
  expect(await answer('slow', { ms: 0 })).toMatchObject({ payload: 1 });
  expect(await answer('slow', { ms: 30_000 })).toMatchObject({
    functionError: 'Unhandled',
    payload: {
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/Task timed out after 1\.00 seconds$/),
    },
  });
  expect(await answer('slow', { ms: 0 })).toMatchObject({ payload: 1 });
  expect(fixture.lambda.usage('slow')).toMatchObject({ timeouts: 1, coldStarts: 2 });
});

test('a function in a busy loop is killed at its timeout', async () => {
  await fixture.deploy('busy', `exports.handler = async () => { for (;;); }`, { Timeout: 1 });
  expect(await answer('busy')).toMatchObject({ payload: { errorType: 'Sandbox.Timedout' } });
});

test('a function that exits in mid-invocation fails with Runtime.ExitError', async () => {
  await fixture.deploy('quitter', `exports.handler = async () => process.exit(7)`);
  expect(await answer('quitter')).toMatchObject({
    functionError: 'Unhandled',
    payload: {
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/Runtime exited with error: exit status 7$/),
    },
  });
});

test('a function that fills its heap is ended by its own abort or by Lambda', async () => {
  await fixture.deploy(
    'hungry',
    `exports.handler = async () => { const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random())) }`,
    { Timeout: 60 },
  );
  expect(await answer('hungry')).toMatchObject({
    payload: { errorType: expect.stringMatching(/^Runtime\.(ExitError|OutOfMemory)$/) },
  });
});

test('a function that exceeds its memory is killed', async () => {
  await fixture.deploy(
    'fat',
    `exports.handler = async () => { globalThis.kept = Buffer.alloc(3e8, 1); await new Promise((r) => setTimeout(r, 20_000)) }`,
    { Timeout: 30, MemorySize: 256 },
  );
  expect(await answer('fat')).toMatchObject({
    payload: { errorType: 'Runtime.OutOfMemory', errorMessage: expect.stringContaining('signal: killed') },
  });
});

test('a function that throws outside of its promise fails with that error and loses its environment', async () => {
  await fixture.deploy(
    'uncaught',
    `exports.handler = () => new Promise(() => setTimeout(() => { throw new RangeError('late') }, 1))`,
  );
  expect(await answer('uncaught')).toMatchObject({
    payload: { errorType: 'RangeError', errorMessage: 'late' },
  });
  await answer('uncaught');
  expect(fixture.lambda.usage('uncaught')).toMatchObject({ invocations: 2, coldStarts: 2 });
});

test('a function with an unhandled rejection fails with Runtime.UnhandledPromiseRejection', async () => {
  await fixture.deploy(
    'rejecting',
    `exports.handler = () => new Promise(() => { Promise.reject(new Error('forgotten')) })`,
  );
  expect(await answer('rejecting')).toMatchObject({
    payload: { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'forgotten' },
  });
});

test.each([
  ['nothing.handler', '', 'Runtime.ImportModuleError'],
  ['src/index.missing', '', 'Runtime.HandlerNotFound'],
  ['src/index.handler', `require('not-in-the-package')`, 'Runtime.ImportModuleError'],
  ['src/index.handler', `const = ;`, 'Runtime.UserCodeSyntaxError'],
  ['src/index.handler', `throw new URIError('at load')`, 'URIError'],
  [
    'src/index.handler',
    `exports.handler = (a, b, callback) => callback()`,
    'Runtime.CallbackHandlerDeprecated',
  ],
])('a function whose handler %s cannot be loaded (%s) fails with %s', async (handler, code, errorType) => {
  await fixture.deploy('unloadable', code, { Handler: handler });
  expect(await answer('unloadable')).toMatchObject({ functionError: 'Unhandled', payload: { errorType } });
});

const METRIC = JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [] }, ReplicationLatency: 12 });

test('all output of a function is delivered line by line before its invocation ends', async () => {
  await fixture.deploy(
    'writer',
    `exports.handler = async () => { for (let i = 0; i < 3000; i++) process.stdout.write('line ' + i + ' ' + 'x'.repeat(100) + '\\n'); console.error('oh %s', 'dear'); process.stdout.write('no line feed') }`,
  );
  const { requestId } = await fixture.lambda.invoke('writer', {});
  const lines = fixture.lines.filter((each) => each.requestId === requestId).map((each) => each.line);
  expect(lines).toHaveLength(3002);
  expect(lines).toContain('no line feed');
  expect(lines.find((line) => line.includes('ERROR'))).toMatch(
    new RegExp(`^\\d{4}-.*Z\\t${requestId}\\tERROR\\toh dear$`),
  );
});

test('output in the embedded metric format is collected as metrics', async () => {
  await fixture.deploy(
    'metrics',
    `exports.handler = async () => { process.stdout.write(${JSON.stringify(`${METRIC}\n`)}) }`,
  );
  await answer('metrics');
  expect(fixture.lambda.metrics('metrics')).toEqual([JSON.parse(METRIC)]);
});

test('output is dropped if the role may not write logs', async () => {
  fixture.putRole([]);
  await fixture.deploy(
    'mute',
    `exports.handler = async () => { process.stdout.write(${JSON.stringify(`${METRIC}\n`)}) }`,
  );
  await answer('mute');
  expect(fixture.lines.map((each) => each.delivered)).toEqual([false]);
  expect(fixture.lambda.metrics()).toEqual([]);
  fixture.putRole([LOGS_POLICY]);
  await answer('mute');
  expect(fixture.lambda.metrics()).toHaveLength(1);
});

test('an invocation of type Event is tried three times in all if the function fails', async () => {
  await fixture.close();
  fixture = await startLambdaFixture({ asyncRetryDelaysMs: [1, 1] });
  await fixture.deploy('failing', `exports.handler = async () => { throw new Error('again') }`);
  const accepted = await fixture.lambda.invoke('failing', {}, { type: 'Event' });
  expect(accepted.payload).toBe('');
  await expect.poll(() => fixture.lambda.usage('failing').invocations, PATIENCE).toBe(3);
  await sleep(50);
  expect(fixture.lambda.usage('failing').invocations).toBe(3);
});

test.each([
  ['an unknown role', { Role: `arn:aws:iam::${ACCOUNT_ID}:role/unknown` }, /cannot be assumed by Lambda/],
  ['another runtime', { Runtime: 'nodejs20.x' }, /Runtime/],
  ['a timeout of more than 15 minutes', { Timeout: 901 }, /Timeout/],
  ['a VPC', { VpcConfig: {} }, /VpcConfig/],
  ['a reserved variable', { Environment: { Variables: { AWS_REGION: 'x' } } }, /reserved keys.*AWS_REGION/],
  ['more than 4 KB of variables', { Environment: { Variables: { BIG: 'x'.repeat(4096) } } }, /4KB/],
])('a function with %s is refused', async (_what, properties, message) => {
  await expect(fixture.deploy('refused', '', properties)).rejects.toThrow(message);
});
