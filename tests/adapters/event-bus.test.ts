/** PutEvents against the local AWS, and against a server that answers as EventBridge seldom does. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createEventBus } from '../../src/lib/aws/event-bus.ts';
import { EVENT } from '../upgrade/samples.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
});
afterEach(() => {
  vi.unstubAllEnvs();
  local.aws.faults.plan = undefined;
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

const event = (key: string) => ({ ...EVENT, object: { ...EVENT.object, key } });
const credentials = async () => local.aws.root('111111111111');
const bus = () => createEventBus('eu-central-1', credentials);

test('ten events are accepted in one signed request', async () => {
  let requests = 0;
  local.aws.faults.plan = ({ operation }) => {
    if (operation === 'events:PutEvents') requests += 1;
    return undefined;
  };
  expect(await bus().put(Array.from({ length: 10 }, (_, index) => event(`ä ${index}`)))).toBeNull();
  expect(requests).toBe(1);
});

test('a throttled request is sent again, and a refused one is not', async () => {
  const codes = ['ThrottlingException', 'InternalFailure', 'AccessDeniedException', 'ThrottlingException'];
  let requests = 0;
  local.aws.faults.plan = ({ operation }) =>
    operation === 'events:PutEvents'
      ? {
          kind: 'error',
          status: codes[requests] === 'InternalFailure' ? 500 : 400,
          code: codes[requests++] ?? '',
        }
      : undefined;
  expect(await bus().put([event('a')])).toMatchObject({
    events: [event('a')],
    error: { reason: 'event-refused', message: expect.stringContaining('AccessDeniedException') },
  });
  expect(requests).toBe(3);
});

/** Answers each request with the next of these answers. */
const answering = async (...answers: object[]): Promise<{ server: Server; bodies: string[] }> => {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(Buffer.concat(chunks).toString());
    response.end(JSON.stringify(answers[bodies.length - 1] ?? answers.at(-1)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  vi.stubEnv(
    'AWS_ENDPOINT_URL_EVENTBRIDGE',
    `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
  );
  return { server, bodies };
};

const taken = { EventId: 'id' };
const refused = (code: string) => ({ ErrorCode: code, ErrorMessage: 'no' });
const keysOf = (body: string | undefined): string[] => {
  const { Entries: entries }: { Entries: { Detail: string }[] } = JSON.parse(body ?? '{"Entries":[]}');
  return entries.map(({ Detail: detail }) => JSON.parse(detail).object.key);
};

test('of a request that succeeds in part, only what may pass is sent again, and only what failed is returned', async () => {
  const { server, bodies } = await answering(
    { FailedEntryCount: 2, Entries: [taken, refused('ThrottlingException'), refused('InternalFailure')] },
    { FailedEntryCount: 1, Entries: [taken, refused('MalformedDetail')] },
  );
  expect(await bus().put(['a', 'b', 'c'].map(event))).toMatchObject({
    events: [event('c')],
    error: { reason: 'event-refused', message: 'PutEvents: MalformedDetail: no' },
  });
  expect(bodies.map(keysOf)).toEqual([
    ['a', 'b', 'c'],
    ['b', 'c'],
  ]);
  server.close();
});

test('an answer without an entry for an event does not count as accepted', async () => {
  const { server, bodies } = await answering({ FailedEntryCount: 0, Entries: [taken] });
  expect(await bus().put([event('a'), event('b')])).toBeNull();
  expect(bodies.map(keysOf)).toEqual([['a', 'b'], ['b']]);
  server.close();
});

test('without an answer the events may arrive twice, and are returned', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_EVENTBRIDGE', 'http://127.0.0.1:9');
  expect(await bus().put([event('a')])).toMatchObject({
    events: [event('a')],
    error: { reason: 'connection-lost' },
  });
});
