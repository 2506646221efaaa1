import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Caller } from '../../src/core/access.ts';
import { writeError } from '../../src/front/protocol.ts';
import { ACCOUNT_ID, REGION, startLambdaFixture, type LambdaFixture, PATIENCE } from './lambda-fixture.ts';

let fixture: LambdaFixture;
let server: Server;
let caller: Caller;

/** Starts a minimal front door. It treats every request as made by the same caller. */
beforeEach(async () => {
  fixture = await startLambdaFixture();
  caller = fixture.iam.rootCaller(ACCOUNT_ID);
  server = createServer({ keepAliveTimeout: 60_000 }, (message, response) => {
    const request = {
      service: 'lambda',
      region: REGION,
      method: message.method ?? '',
      path: message.url ?? '',
      query: '',
      headers: message.headers,
      body: message,
      caller,
      secureTransport: true,
      requestId: 'request',
      sourceIp: '127.0.0.1',
    };
    fixture.lambda.handle(request, response).catch((error: unknown) => writeError(response, request, error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await fixture.deploy(
    'echo',
    `exports.handler = async (event) => { if (event.fail) throw new Error('no'); return event }`,
  );
});
afterEach(async () => {
  server.close();
  await fixture.close();
});

const invoke = (body: string, { name = 'echo', type = 'RequestResponse' } = {}): Promise<Response> =>
  fetch(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`,
    { method: 'POST', body, headers: { 'x-amz-invocation-type': type } },
  );

test.each(['echo', 'echo:$LATEST', `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:echo`])(
  'an invocation by %s is answered with the payload of the function',
  async (name) => {
    const response = await invoke('{"a":1}', { name });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-amz-function-error')).toBeNull();
    expect(response.headers.get('x-amz-executed-version')).toBe('$LATEST');
    expect(await response.json()).toEqual({ a: 1 });
  },
);

test('an error of the function is answered with 200 and x-amz-function-error', async () => {
  const response = await invoke('{"fail":true}');
  expect(response.status).toBe(200);
  expect(response.headers.get('x-amz-function-error')).toBe('Unhandled');
  expect(await response.json()).toMatchObject({ errorMessage: 'no' });
});

test('an invocation of type Event is accepted at once and runs later', async () => {
  const response = await invoke('{}', { type: 'Event' });
  expect(response.status).toBe(202);
  expect(await response.text()).toBe('');
  await expect.poll(() => fixture.lambda.usage('echo').invocations, PATIENCE).toBe(1);
});

test.each([
  ['{"a":', {}, 400, 'InvalidRequestContentException'],
  ['{}', { name: 'unknown' }, 404, 'ResourceNotFoundException'],
  [JSON.stringify('x'.repeat(6_291_456)), {}, 413, 'RequestEntityTooLarge'],
  [JSON.stringify('x'.repeat(1_048_576)), { type: 'Event' }, 413, 'RequestEntityTooLarge'],
])('the payload %.10s to the path %j is refused with %i %s', async (body, options, status, code) => {
  const response = await invoke(body, options);
  expect(response.status).toBe(status);
  expect(response.headers.get('x-amzn-errortype')).toBe(code);
});

test('a caller needs lambda:InvokeFunction on that function', async () => {
  const arn = `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:`;
  const allow = (resource: string) => [
    {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow' as const, Action: 'lambda:InvokeFunction', Resource: resource }],
    },
  ];
  const session = (resource: string) => {
    fixture.iam.putRole({
      accountId: ACCOUNT_ID,
      roleName: 'invoker',
      assumeRolePolicy: { Statement: [] },
      policies: allow(resource),
    });
    return fixture.iam.createSession(`arn:aws:iam::${ACCOUNT_ID}:role/invoker`, 'test', 900).caller;
  };
  caller = session(`${arn}other`);
  const denied = await invoke('{}');
  expect(denied.status).toBe(403);
  expect(await denied.text()).toMatch(
    /is not authorized to perform: lambda:InvokeFunction on resource: .*:function:echo/,
  );
  caller = session(`${arn}echo`);
  expect((await invoke('{}')).status).toBe(200);
});
