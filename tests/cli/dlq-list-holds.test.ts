/** `dlq list` holds the messages that it reads, and releases them in every case, however the command ends. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DeadMessage } from '../../src/lib/dead-letters/dead-message.ts';
import { awsEnvironment, putDeadLetter, type Run, run } from './run.ts';
import { DEAD, type ScriptedSqs, startScriptedSqs } from './scripted-sqs.ts';

let sqs: ScriptedSqs;

beforeEach(async () => {
  sqs = await startScriptedSqs();
  for (const [name, value] of Object.entries(awsEnvironment(sqs))) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await sqs.close();
});

const list = (...argv: string[]): Promise<Run> => run(['dlq', 'list', ...argv], { now: () => sqs.nowMs });
const lettersIn = (out: string): DeadMessage[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const listEach = async (...argv: string[]): Promise<DeadMessage[]> =>
  lettersIn((await list('--each', '--json', ...argv)).out);
const allVisible = (): boolean => sqs.queues[DEAD]!.every(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);

test('dlq list reads thousands of messages, ten at a time, and releases all of them', async () => {
  for (let n = 0; n < 2_345; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  const messages = await listEach('--limit', '5000');
  expect(new Set(messages.map(({ key }) => key)).size).toBe(2_345);
  expect(sqs.queues[DEAD]).toHaveLength(2_345);
  expect(allVisible()).toBe(true);
});

test('dlq list shows a message that it received twice only once', async () => {
  putDeadLetter(sqs, { key: 'invoices/1' });
  let receives = 0;
  sqs.script = (operation) => {
    // SQS sometimes delivers a message twice, although the message is in flight. The second receive here does
    // so.
    if (operation === 'ReceiveMessage' && (receives += 1) === 2) sqs.queues[DEAD]![0]!.visibleAtMs = 0;
    return undefined;
  };
  expect(await listEach()).toHaveLength(1);
  expect(receives).toBe(3);
  expect(allVisible()).toBe(true);
});

test('dlq list renews its hold on messages while it reads a long queue', async () => {
  for (let n = 0; n < 60; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  sqs.script = (operation) => {
    if (operation === 'ReceiveMessage') sqs.nowMs += 25_000;
    return undefined;
  };
  const messages = await listEach();
  expect(messages).toHaveLength(60);
  expect(allVisible()).toBe(true);
});

test('dlq list mentions messages that another reader holds', async () => {
  putDeadLetter(sqs, { key: 'invoices/1' });
  sqs.queues[DEAD]![0]!.visibleAtMs = sqs.nowMs + 30_000;
  expect((await list()).err).toContain('about 1 dead letter not shown');
});

test('Ctrl-C makes dlq list release all messages, show those it has read and exit with 130', async () => {
  for (let n = 0; n < 40; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  const controller = new AbortController();
  let receives = 0;
  sqs.script = (operation) => {
    if (operation === 'ReceiveMessage' && (receives += 1) === 2) controller.abort();
    return undefined;
  };
  const { code, out, err } = await run(['dlq', 'list', '--each', '--json'], {
    now: () => sqs.nowMs,
    interrupted: controller.signal,
  });
  expect(code).toBe(130);
  expect(lettersIn(out)).toHaveLength(20);
  expect(err).toContain('interrupted');
  expect(allVisible()).toBe(true);
});

test('dlq list releases its messages when it fails halfway', async () => {
  for (let n = 0; n < 40; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  let receives = 0;
  sqs.script = (operation) =>
    operation === 'ReceiveMessage' && (receives += 1) >= 3
      ? {
          status: 403,
          code: 'AccessDenied',
          message: 'User is not authorized to perform: sqs:receivemessage',
        }
      : undefined;
  const { code, err } = await list();
  expect(code).toBe(1);
  expect(err).toContain(
    'Access denied: sqs:ReceiveMessage on queue s3-replicator-prod-live-dlq in us-east-1',
  );
  expect(allVisible()).toBe(true);
});
