import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DeadMessage } from '../../src/lib/dead-letters/dead-message.ts';
import { awsEnvironment, putDeadLetter, type Run, run } from './run.ts';
import { DEAD, LIVE, type ScriptedSqs, startScriptedSqs } from './scripted-sqs.ts';

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
const listJson = async (...argv: string[]): Promise<DeadMessage[]> =>
  JSON.parse((await list('--json', ...argv)).out);
const allVisible = (): boolean => sqs.queues[DEAD]!.every(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);

test('dlq list says that a queue is empty', async () => {
  expect(await list()).toEqual({ code: 0, err: '', out: `No message to show in ${DEAD} (us-east-1).\n` });
  expect((await list('--json')).out).toBe('[]\n');
});

test('dlq list shows reason, age, attempts, rule, destination, key and detail of each message, and the fix of each reason', async () => {
  putDeadLetter(sqs, { key: 'invoices/1.pdf', attempts: 3 });
  putDeadLetter(sqs, { key: 'invoices/2.pdf', reason: 'kms', detail: 'the key is disabled' });
  putDeadLetter(sqs, { key: 'invoices/3.pdf' });
  const { code, out, err } = await list();
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/REASON +AGE +ATTEMPTS +RULE +DESTINATION +KEY/);
  expect(out).toMatch(
    /access-denied +2h 5m +3 +invoices +archive +invoices\/1\.pdf\n {4}PutObject in acme-archive/,
  );
  expect(out).toMatch(
    /\n2 × access-denied\n {4}Compare the denied action .*\n1 × kms\n {4}Enable the KMS key/,
  );
  expect(out).toContain(
    '3 messages in s3-replicator-prod-live-dlq (us-east-1); SQS deletes the first of them in 13d 23h.',
  );
});

test('dlq list --json prints one array with the documented fields', async () => {
  putDeadLetter(sqs, { key: 'invoices/größe.pdf', version: 'v1' });
  expect(await listJson()).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      reason: 'access-denied',
      rule: 'invoices',
      destination: 'archive',
      bucket: 'acme-documents',
      key: 'invoices/größe.pdf',
      version: 'v1',
      moreKeys: 0,
      firstSeen: '2026-11-22T09:55:00.000Z',
      ageSeconds: 7_500,
      expires: '2026-12-06T11:00:00.000Z',
      attempts: 1,
      requestId: 'REQ1',
      detail: 'PutObject in acme-archive: access denied',
      fix: expect.stringContaining('then redrive'),
    },
  ]);
});

test('dlq list reads thousands of messages, ten at a time, and releases all of them', async () => {
  for (let n = 0; n < 2_345; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  const messages = await listJson('--limit', '5000');
  expect(new Set(messages.map(({ key }) => key)).size).toBe(2_345);
  expect(sqs.queues[DEAD]).toHaveLength(2_345);
  expect(allVisible()).toBe(true);
});

test('dlq list --limit limits the messages and notes that there are more', async () => {
  for (let n = 0; n < 25; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  const limited = await list('--json', '--limit=12');
  expect(JSON.parse(limited.out)).toHaveLength(12);
  expect(limited.err).toContain('there are more than these 12');
  expect((await list('--json', '--limit=25')).err).toBe('');
  expect(allVisible()).toBe(true);
});

test('the filters of dlq list select by reason, prefix and rule, and several values of one filter are alternatives', async () => {
  putDeadLetter(sqs, { key: 'invoices/1', reason: 'kms' });
  putDeadLetter(sqs, { key: 'media/1', reason: 'sse-c', rule: 'media' });
  putDeadLetter(sqs, { key: 'media/2', rule: 'media' });
  const keys = async (...argv: string[]) => (await listJson(...argv)).map(({ key }) => key).toSorted();
  expect(await keys('--reason', 'kms', '--reason', 'sse-c')).toEqual(['invoices/1', 'media/1']);
  expect(await keys('--rule', 'media', '--prefix', 'media/2')).toEqual(['media/2']);
  expect(await keys('--prefix', 'media')).toEqual(['media/1', 'media/2']);
});

test('dlq list describes messages that SQS moved by itself from their body', async () => {
  const record = (key: string) => ({
    eventSource: 'aws:s3',
    s3: { bucket: { name: 'acme-documents' }, object: { key, versionId: 'v9' } },
  });
  sqs.put(DEAD, JSON.stringify({ Records: [record('a+b.pdf'), record('c.pdf')] }), {}, sqs.nowMs - 90_000);
  sqs.put(DEAD, 'no event at all');
  const [crashed, foreign] = await listJson();
  expect(crashed).toMatchObject({
    reason: 'crashed-or-timed-out',
    bucket: 'acme-documents',
    key: 'a b.pdf',
    version: 'v9',
    moreKeys: 1,
    ageSeconds: 90,
    attempts: null,
    detail: null,
  });
  expect(foreign).toMatchObject({ reason: 'crashed-or-timed-out', bucket: null, key: null, moreKeys: 0 });
  expect(await listJson('--prefix', 'c.')).toHaveLength(1);
  expect((await list()).out).toMatch(/crashed-or-timed-out +1m 30s +- +- +- +a b\.pdf {2}\(and 1 more\)/);
});

test('dlq list escapes keys, so that they cannot control the terminal or look like other keys', async () => {
  const key = 'x\u001b[2J\r\n\u202etxt.exe\u200b\\ 請求書 é👩‍💻 ';
  putDeadLetter(sqs, { key, detail: 'a \u001b]0;title\u0007 detail' });
  expect(await listJson()).toMatchObject([{ key }]);
  const { out } = await list();
  expect(out).toContain(String.raw`x\x1b[2J\r\n\u202etxt.exe\u200b\\ 請求書 é👩\u200d💻\x20`);
  // oxlint-disable-next-line no-control-regex -- the characters that this finds are control characters
  expect(out.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
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
  expect(await listJson()).toHaveLength(1);
  expect(receives).toBe(3);
  expect(allVisible()).toBe(true);
});

test('dlq list renews its hold on messages while it reads a long queue', async () => {
  for (let n = 0; n < 60; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  sqs.script = (operation) => {
    if (operation === 'ReceiveMessage') sqs.nowMs += 25_000;
    return undefined;
  };
  const messages = await listJson();
  expect(messages).toHaveLength(60);
  expect(allVisible()).toBe(true);
});

test('dlq list mentions messages that another reader holds', async () => {
  putDeadLetter(sqs, { key: 'invoices/1' });
  sqs.queues[DEAD]![0]!.visibleAtMs = sqs.nowMs + 30_000;
  expect((await list()).err).toContain('about 1 message not shown');
});

test('Ctrl-C makes dlq list release all messages, show those it has read and exit with 130', async () => {
  for (let n = 0; n < 40; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  const controller = new AbortController();
  let receives = 0;
  sqs.script = (operation) => {
    if (operation === 'ReceiveMessage' && (receives += 1) === 2) controller.abort();
    return undefined;
  };
  const { code, out, err } = await run(['dlq', 'list', '--json'], {
    now: () => sqs.nowMs,
    interrupted: controller.signal,
  });
  expect(code).toBe(130);
  expect(JSON.parse(out)).toHaveLength(20);
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

test('--stage, --region and the name in the configuration select the queue of dlq list', async () => {
  const { err } = await list('--stage', 'test', '--region', 'eu-central-1');
  expect(err).toContain('Queue not found: there is no queue s3-replicator-test-live-dlq in eu-central-1');
  expect(err).toContain('fix: Check --stage, --region and the account');
  expect(sqs.calls).toEqual(['GetQueueUrl s3-replicator-test-live-dlq']);
});

test('in a terminal dlq list redraws its progress and erases it at the end', async () => {
  putDeadLetter(sqs, { key: 'invoices/1' });
  let err = '';
  await run(['dlq', 'list'], {
    stderr: { isTTY: true, write: (text) => (err += text) },
    now: () => sqs.nowMs,
  });
  expect(stripVTControlCharacters(err)).toBe('1 message read\n');
  expect(err.split('\n').at(-1)).toContain('\u001b[2K');
});

test('dlq list never sends anything to the live queue', async () => {
  putDeadLetter(sqs, { key: 'invoices/1' });
  await list();
  expect(sqs.queues[LIVE]).toEqual([]);
});
