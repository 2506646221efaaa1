import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Iam } from '../../src/iam/iam.ts';
import { writeError } from '../../src/front/protocol.ts';
import type { AwsService } from '../../src/core/request.ts';
import { createSqs } from '../../src/sqs/sqs.ts';
import { ACCOUNT_ID, REGION, startLambdaFixture, type LambdaFixture, PATIENCE } from './lambda-fixture.ts';

const SOURCE = 'https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html';
const arnOf = (name: string): string => `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${name}`;

/**
 * Code of a function that sends each message to the same queue again, with the trace header of the
 * invocation, as an SDK would.
 */
const SENDS_ON = `exports.handler = async (event) => {
  for (const { body } of event.Records) {
    process.stdout.write(JSON.stringify(event.Records[0].attributes.AWSTraceHeader ?? null) + '\\n');
    if (Number(body) === 0) continue;
    await fetch(process.env.AWS_ENDPOINT_URL, {
      method: 'POST',
      headers: { 'x-amz-target': 'AmazonSQS.SendMessage', 'x-amzn-trace-id': process.env._X_AMZN_TRACE_ID },
      body: JSON.stringify({ QueueUrl: '/${ACCOUNT_ID}/work', MessageBody: String(Number(body) - 1) }),
    });
  }
}`;

let fixture: LambdaFixture;
let server: Server;
afterEach(async () => {
  server.close();
  await fixture.close();
});

/** Starts an HTTP server for SQS and Lambda. Its caller may do everything. Returns the address. */
const startFrontDoor = async (iam: Iam, serviceOf: (path: string) => AwsService): Promise<string> => {
  server = createServer((message, response) => {
    const path = message.url ?? '';
    const request = {
      service: path === '/' ? 'sqs' : 'lambda',
      region: REGION,
      method: message.method ?? '',
      path,
      query: '',
      headers: message.headers,
      body: message,
      caller: iam.rootCaller(ACCOUNT_ID),
      secureTransport: true,
      requestId: 'request',
      sourceIp: '127.0.0.1',
    };
    const answered = serviceOf(path).handle(request, response);
    answered.catch((error: unknown) => writeError(response, request, error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/**
 * Starts a queue with a dead-letter queue, and a function that sends each message to the same queue again.
 */
const start = async (properties: Record<string, unknown> = {}) => {
  let endpoint = '';
  fixture = await startLambdaFixture({
    queues: {
      invoke: (caller, operation, input, options) => sqs.invoke(caller, operation, input, options),
      queueUrl: (queueArn) => sqs.queueUrl(queueArn),
    },
    hostVariables: () => ({ AWS_ENDPOINT_URL: endpoint }),
  });
  const { clock, iam } = fixture;
  const sqs = createSqs({ iam, clock, endpoint: () => endpoint });
  endpoint = await startFrontDoor(iam, (path) => (path === '/' ? sqs : fixture.lambda));
  fixture.putRole([
    { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: ['sqs:*', 'logs:*'], Resource: '*' } },
  ]);
  const call = (operation: string, input: Record<string, unknown>) =>
    sqs.invoke(iam.rootCaller(ACCOUNT_ID), operation, input, { region: REGION });
  await call('CreateQueue', { QueueName: 'letters' });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf('letters'), maxReceiveCount: 2 });
  await call('CreateQueue', { QueueName: 'work', Attributes: { RedrivePolicy } });
  await fixture.deploy('chain', SENDS_ON, properties);
  await fixture.lambda.eventSources.create({ EventSourceArn: arnOf('work'), FunctionName: 'chain' });
  return {
    clock,
    endpoint,
    send: (body: string) => call('SendMessage', { QueueUrl: `/${ACCOUNT_ID}/work`, MessageBody: body }),
    waiting: (name: string) => sqs.queues.byArn(arnOf(name))?.messages.counts(),
    usage: () => fixture.lambda.usage('chain'),
  };
};

test(`a message that a function sends on to its own queue is refused after 16 invocations, and goes to the dead-letter queue when its receives are used up (${SOURCE})`, async () => {
  const { send, usage, waiting, clock } = await start();
  await send('20');
  await expect.poll(() => usage().recursiveInvocationsDropped, PATIENCE).toBe(1);
  // Lambda may refuse an invocation before the one that sent the message has ended, so the count is polled.
  await expect.poll(usage, PATIENCE).toMatchObject({ invocations: 16, errors: 0 });
  expect(waiting('work')).toMatchObject({ inFlight: 1 });
  clock.advance(31_000);
  await expect.poll(() => usage().recursiveInvocationsDropped, PATIENCE).toBe(2);
  clock.advance(31_000);
  await expect.poll(() => waiting('letters'), PATIENCE).toMatchObject({ visible: 1 });
  expect(fixture.lambda.eventSources.list()[0]?.lastProcessingResult).toMatch(/^PROBLEM: .*recursive loop/);
});

test('the first message has no trace header, and each message that is sent on names the chain in its attributes', async () => {
  const { send, usage } = await start();
  await send('2');
  await expect.poll(() => usage().invocations, PATIENCE).toBe(3);
  const [first, second = '', third = ''] = fixture.lines.map(({ line }) => String(JSON.parse(line)));
  expect(first).toBe('null');
  expect(second).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=\w{8}:1$/);
  expect(third.replace(/Parent=\w+/, '')).toBe(second.replace(/Parent=\w+/, '').replace(/:1$/, ':2'));
});

test('a function with RecursiveLoop Allow is never stopped, until PutFunctionRecursionConfig changes that', async () => {
  const { send, usage, endpoint } = await start({ RecursiveLoop: 'Allow' });
  await send('18');
  await expect.poll(() => usage().invocations, PATIENCE).toBe(19);
  const url = `${endpoint}/2024-08-31/functions/chain/recursion-config`;
  const setRecursion = (RecursiveLoop: string) =>
    fetch(url, { method: 'PUT', body: JSON.stringify({ RecursiveLoop }) });
  expect((await setRecursion('Sometimes')).status).toBe(400);
  expect(await (await setRecursion('Terminate')).json()).toEqual({ RecursiveLoop: 'Terminate' });
  expect(await (await fetch(url)).json()).toEqual({ RecursiveLoop: 'Terminate' });
  await send('18');
  await expect.poll(() => usage().recursiveInvocationsDropped, PATIENCE).toBe(1);
});
