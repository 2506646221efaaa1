/** The messages that are published at the end of a run, against an SNS with scripted responses. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRunTopic } from '../../src/lib/aws/run-topic.ts';
import { runRecord } from './run-record.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:111111111111:test-prod-runs';
let bodies: URLSearchParams[] = [];
let answers: { status: number; body: string }[] = [];
const PUBLISHED = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`;
const refusal = (code: string): string =>
  `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`;

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
  request.on('end', () => {
    bodies.push(new URLSearchParams(body));
    const answer = answers.shift() ?? { status: 200, body: PUBLISHED };
    response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body);
  });
});

beforeEach(async () => {
  bodies = [];
  answers = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  process.env['AWS_ENDPOINT_URL_SNS'] = `http://127.0.0.1:${port}`;
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAEXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('the end of a run is published in ASCII, with a subject that SNS accepts', async () => {
  const run = runRecord({ id: 'r'.repeat(120), phase: 'finished', endedMs: 1 });
  await createRunTopic(TOPIC, 'test-prod').announce({
    ...run,
    spec: { ...run.spec, prefix: 'é\u{1f600}\n' },
  });
  const [body] = bodies;
  expect(body?.get('TopicArn')).toBe(TOPIC);
  expect(body?.get('Subject')).toMatch(/^test-prod: backfill r+$/);
  expect(body?.get('Subject')).toHaveLength(100);
  const message = body?.get('Message') ?? '';
  expect(message).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(message)).toMatchObject({ phase: 'finished', spec: { prefix: 'é\u{1f600}\n' } });
});

test('announcing a run retries after a temporary error, and reports a permanent error with its reason', async () => {
  const topic = createRunTopic(TOPIC, 'test-prod');
  answers = [{ status: 503, body: refusal('ServiceUnavailable') }];
  await topic.announce(runRecord({}));
  expect(bodies).toHaveLength(2);
  answers = [{ status: 403, body: refusal('AuthorizationError') }];
  await expect(topic.announce(runRecord({}))).rejects.toMatchObject({ reason: 'access-denied' });
});
