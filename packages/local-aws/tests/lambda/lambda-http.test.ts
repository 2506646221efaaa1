import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Caller } from '../../src/core/access.ts';
import { writeError } from '../../src/front/protocol.ts';
import { ACCOUNT_ID, REGION, startLambdaFixture, type LambdaFixture, PATIENCE } from './lambda-fixture.ts';

let fixture: LambdaFixture;
let server: Server;
let caller: Caller;

/** Starts an HTTP server for Lambda. All requests have the same caller. */
beforeEach(async () => {
  fixture = await startLambdaFixture();
  caller = fixture.iam.rootCaller(ACCOUNT_ID);
  server = createServer({ keepAliveTimeout: 60_000 }, (message, response) => {
    const [path = '', query = ''] = (message.url ?? '').split('?');
    const request = {
      service: 'lambda',
      region: REGION,
      method: message.method ?? '',
      path,
      query,
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

const send = (path: string, options?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/2015-03-31${path}`, options);

const invoke = (body: string, { name = 'echo', type = 'RequestResponse' } = {}): Promise<Response> =>
  send(`/functions/${encodeURIComponent(name)}/invocations`, {
    method: 'POST',
    body,
    headers: { 'x-amz-invocation-type': type },
  });

/** Returns a caller whose role has only this permission. */
const sessionWith = (
  Action: string,
  Resource: string,
  Condition?: Record<string, Record<string, unknown>>,
): Caller => {
  fixture.iam.putRole({
    accountId: ACCOUNT_ID,
    roleName: 'caller',
    assumeRolePolicy: { Statement: [] },
    policies: [
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) }],
      },
    ],
  });
  return fixture.iam.createSession(`arn:aws:iam::${ACCOUNT_ID}:role/caller`, 'test', 900).caller;
};

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
  caller = sessionWith('lambda:InvokeFunction', `${arn}other`);
  const denied = await invoke('{}');
  expect(denied.status).toBe(403);
  expect(await denied.text()).toMatch(
    /is not authorized to perform: lambda:InvokeFunction on resource: .*:function:echo/,
  );
  caller = sessionWith('lambda:InvokeFunction', `${arn}echo`);
  expect((await invoke('{}')).status).toBe(200);
});

test('a caller with permission for the mapping of a function lists it, switches it off and reads its state', async () => {
  const queueArn = `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:queue`;
  fixture.putRole([
    { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'sqs:*', Resource: '*' } },
  ]);
  const uuid = await fixture.lambda.eventSources.create({ EventSourceArn: queueArn, FunctionName: 'echo' });
  const arn = `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:event-source-mapping:${uuid}`;
  const forFunction = (name: string) => ({
    ArnEquals: { 'lambda:FunctionArn': `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}` },
  });
  const off = () =>
    send(`/event-source-mappings/${uuid}`, { method: 'PUT', body: JSON.stringify({ Enabled: false }) });

  caller = sessionWith('lambda:UpdateEventSourceMapping', arn, forFunction('other'));
  expect((await off()).status).toBe(403);
  caller = sessionWith('lambda:UpdateEventSourceMapping', arn, forFunction('echo'));
  const changed = await off();
  expect(changed.status).toBe(202);
  expect(await changed.json()).toMatchObject({ UUID: uuid, EventSourceArn: queueArn, State: 'Disabling' });
  const again = await off();
  expect([again.status, again.headers.get('x-amzn-errortype')]).toEqual([400, 'ResourceInUseException']);

  fixture.clock.advance(30_000);
  caller = sessionWith('lambda:GetEventSourceMapping', arn);
  expect(await (await send(`/event-source-mappings/${uuid}`)).json()).toMatchObject({ State: 'Disabled' });
  caller = sessionWith('lambda:ListEventSourceMappings', '*');
  const listed = async (name: string) =>
    (await (await send(`/event-source-mappings/?FunctionName=${name}`)).json()) as object;
  expect(await listed('echo')).toMatchObject({ EventSourceMappings: [{ UUID: uuid }] });
  expect(await listed('other')).toEqual({ EventSourceMappings: [] });
});

test.each([
  ['GET', 404, 'ResourceNotFoundException'],
  ['PUT', 404, 'ResourceNotFoundException'],
  ['DELETE', 501, 'NotImplemented'],
])('%s of a mapping that does not exist is answered with %i %s', async (method, status, code) => {
  const response = await send('/event-source-mappings/0', { method });
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([status, code]);
});

/** Sources: API_PutFunctionConcurrency, API_GetFunctionConcurrency, API_DeleteFunctionConcurrency, API_GetAccountSettings. */
test('reserved concurrency limits the function, and the account shares the rest', async () => {
  const at = (version: string, path: string, options?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${version}${path}`, options);
  const shared = async () =>
    JSON.parse(await (await at('2016-08-19', '/account-settings/')).text()).AccountLimit
      .UnreservedConcurrentExecutions;
  expect(await shared()).toBe(10);
  const body = JSON.stringify({ ReservedConcurrentExecutions: 0 });
  await at('2017-10-31', '/functions/echo/concurrency', { method: 'PUT', body });
  expect((await invoke('{}')).status).toBe(429);
  await at('2017-10-31', '/functions/echo/concurrency', {
    method: 'PUT',
    body: JSON.stringify({ ReservedConcurrentExecutions: 3 }),
  });
  expect(await (await at('2019-09-30', '/functions/echo/concurrency')).json()).toEqual({
    ReservedConcurrentExecutions: 3,
  });
  expect(await shared()).toBe(7);
  await at('2017-10-31', '/functions/echo/concurrency', { method: 'DELETE' });
  expect(await (await at('2019-09-30', '/functions/echo/concurrency')).json()).toEqual({});
  expect((await invoke('{}')).status).toBe(200);
});

/** Sources: API_AddPermission, API_GetPolicy, API_RemovePermission. */
test('permissions are added to the policy of the function and removed from it', async () => {
  expect((await send('/functions/echo/policy')).status).toBe(404);
  const permission = {
    StatementId: 'rule',
    Action: 'lambda:InvokeFunction',
    Principal: 'events.amazonaws.com',
    SourceArn: 'arn:aws:events:eu-central-1:111111111111:rule/tick',
  };
  const add = () => send('/functions/echo/policy', { method: 'POST', body: JSON.stringify(permission) });
  expect((await add()).status).toBe(200);
  expect((await add()).status).toBe(409);
  const { Policy } = JSON.parse(await (await send('/functions/echo/policy')).text());
  expect(JSON.parse(Policy).Statement).toMatchObject([
    { Sid: 'rule', Principal: { Service: 'events.amazonaws.com' } },
  ]);
  expect((await send('/functions/echo/policy/rule', { method: 'DELETE' })).status).toBe(200);
  expect((await send('/functions/echo/policy')).status).toBe(404);
});
