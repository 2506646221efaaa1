import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DeadMessage } from '../../src/lib/dead-letters/dead-message.ts';
import { awsEnvironment, putDeadLetter, type Run, run } from './run.ts';
import { textWidth } from '../../src/cli/terminal/width.ts';
import { reasonEntry } from '../../src/lib/model/reasons.ts';
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
const lettersIn = (out: string): DeadMessage[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const listEach = async (...argv: string[]): Promise<DeadMessage[]> =>
  lettersIn((await list('--each', '--json', ...argv)).out);
const allVisible = (): boolean => sqs.queues[DEAD]!.every(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);

test('dlq list says that a queue is empty', async () => {
  expect(await list()).toEqual({ code: 0, err: '', out: `No dead letters in ${DEAD} (us-east-1).\n` });
  expect(JSON.parse((await list('--json')).out)).toMatchObject({ letters: 0, oldest: null, groups: [] });
  expect((await list('--each', '--json')).out).toBe('');
});

test('dlq list begins with the answer, and shows each group with one example and its fix once', async () => {
  for (let n = 0; n < 3; n += 1) putDeadLetter(sqs, { key: `invoices/denied/${n}.pdf` });
  putDeadLetter(sqs, { key: 'media/1.jpg', rule: 'media', destination: 'media-replica' });
  for (const destination of ['archive', 'second'])
    putDeadLetter(sqs, { key: 'invoices/old.csv', reason: 'archived', destination, detail: 'in GLACIER' });
  putDeadLetter(sqs, { key: 'k', reason: 'sse-c', detail: '' }, 12_000);
  const { code, out, err } = await list();
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toBe(
    `7 dead letters for 6 objects in ${DEAD} (us-east-1) · oldest 1h · newest 12s · +1 in the last minute
REASON         MSGS  KEYS  RULE → DESTINATION         SINCE      EXAMPLE
access-denied     3     3  invoices → archive         11:00:00Z  invoices/denied/0.pdf
   PutObject in acme-archive: access denied
access-denied     1     1  media → media-replica      11:00:00Z  media/1.jpg
   PutObject in acme-archive: access denied
   fix  ${reasonEntry('access-denied').fix}
        npx s3-replicator dlq redrive --reason access-denied --limit 10
archived          2     1  invoices → 2 destinations  11:00:00Z  invoices/old.csv
   in GLACIER
   fix  ${reasonEntry('archived').fix}
        npx s3-replicator dlq redrive --reason archived --limit 10
sse-c             1     1  invoices → archive         11:59:48Z  k
   fix  ${reasonEntry('sse-c').fix}
        npx s3-replicator dlq discard --reason sse-c
Every message: --each · one reason: --reason access-denied · throw away: dlq discard --reason sse-c
`,
  );
});

test.each([60, 80, 120])(
  'the groups of dlq list fit %i columns, and their commands can be copied',
  async (columns) => {
    putDeadLetter(sqs, {
      key: `invoices/${'請求書/'.repeat(30)}.pdf`,
      reason: 'crashed-or-timed-out',
      rule: 'r'.repeat(40),
    });
    putDeadLetter(sqs, { key: 'k', reason: 'archived', detail: 'word '.repeat(60) });
    const { out } = await run(['dlq', 'list'], { columns, now: () => sqs.nowMs });
    for (const line of out.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
    const whole = out.replaceAll(/ \\\n +/g, ' ');
    expect(whole).toContain('npx s3-replicator dlq redrive --reason crashed-or-timed-out --limit 10\n');
  },
);

test('the commands that dlq list prints are for the same deployment', async () => {
  putDeadLetter(sqs, { key: 'k' });
  const { out } = await list('--region', 'us-east-1', '--config', 'replication.yml');
  expect(out).toContain(
    'npx s3-replicator dlq redrive --reason access-denied --limit 10 --config replication.yml --region us-east-1',
  );
});

test('dlq list --each shows every message with its attempts, its time and its failure', async () => {
  putDeadLetter(sqs, { key: 'invoices/1.pdf', attempts: 3 });
  const { out } = await list('--each');
  expect(out).toBe(`access-denied  invoices → archive  invoices/1.pdf
   since 2026-11-22T11:00:00Z · 3 attempts · PutObject in acme-archive: access denied
1 dead letter for 1 object in ${DEAD} (us-east-1) · oldest 1h · newest 1h · none in the last hour
`);
});

test('dlq list --each --json prints the documented fields, one object a line', async () => {
  putDeadLetter(sqs, { key: 'invoices/größe.pdf', version: 'v1' });
  expect(await listEach()).toEqual([
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
      deadSince: '2026-11-22T11:00:00.000Z',
      ageSeconds: 7_500,
      expires: '2026-12-06T11:00:00.000Z',
      attempts: 1,
      requestId: 'REQ1',
      detail: 'PutObject in acme-archive: access denied',
      endedBy: 'redrive',
      fix: expect.stringContaining('then redrive'),
    },
  ]);
});

test('dlq list --json prints the groups with the documented fields', async () => {
  putDeadLetter(sqs, { key: 'invoices/1', version: 'v1' });
  expect(JSON.parse((await list('--json')).out)).toEqual({
    queue: DEAD,
    region: 'us-east-1',
    letters: 1,
    objects: 1,
    oldest: '2026-11-22T11:00:00.000Z',
    newest: '2026-11-22T11:00:00.000Z',
    lastMinute: 0,
    lastHour: 0,
    groups: [
      {
        reason: 'access-denied',
        rule: 'invoices',
        destinations: ['archive'],
        letters: 1,
        objects: 1,
        since: '2026-11-22T11:00:00.000Z',
        newest: '2026-11-22T11:00:00.000Z',
        expires: '2026-12-06T11:00:00.000Z',
        example: {
          bucket: 'acme-documents',
          key: 'invoices/1',
          version: 'v1',
          moreKeys: 0,
          detail: 'PutObject in acme-archive: access denied',
          requestId: 'REQ1',
        },
        fix: expect.stringContaining('then redrive'),
        endedBy: 'redrive',
      },
    ],
    complete: true,
  });
});

test('dlq list --limit limits the messages and notes that there are more', async () => {
  for (let n = 0; n < 25; n += 1) putDeadLetter(sqs, { key: `invoices/${n}` });
  const limited = await list('--each', '--json', '--limit=12');
  expect(lettersIn(limited.out)).toHaveLength(12);
  expect(limited.err).toContain('there are more than these 12');
  expect((await list('--json', '--limit=25')).err).toBe('');
  expect(allVisible()).toBe(true);
});

test('the filters of dlq list select by reason, prefix, rule, destination and time, and several values of one filter are alternatives', async () => {
  putDeadLetter(sqs, { key: 'invoices/1', reason: 'kms' });
  putDeadLetter(sqs, { key: 'media/1', reason: 'sse-c', rule: 'media' });
  putDeadLetter(sqs, { key: 'media/2', rule: 'media' });
  const keys = async (...argv: string[]) => (await listEach(...argv)).map(({ key }) => key).toSorted();
  expect(await keys('--reason', 'kms', '--reason', 'sse-c')).toEqual(['invoices/1', 'media/1']);
  expect(await keys('--rule', 'media', '--prefix', 'media/2')).toEqual(['media/2']);
  expect(await keys('--prefix', 'media')).toEqual(['media/1', 'media/2']);
  putDeadLetter(sqs, { key: 'new', destination: 'second' }, 60_000);
  expect(await keys('--destination', 'second')).toEqual(['new']);
  expect(await keys('--since', '2m')).toEqual(['new']);
  expect(await keys('--since', '2026-11-22T11:59:00Z')).toEqual(['new']);
  expect(await keys('--since', '2026-11-22T11:59:01Z')).toEqual([]);
});

test.each([
  [['--rule', 'invoces'], '--rule "invoces": neither replication.yml nor a message has this rule; there are'],
  [['--rule', 'invoces'], 'Did you mean invoices?'],
  [
    ['--destination', 'x'],
    '--destination "x": neither replication.yml nor a message has this destination; there are',
  ],
  [['--since', 'yesterday'], '--since takes an age like 30m, 2h or 3d, or a time like'],
])('dlq list %j is an error and not an empty answer', async (argv, message) => {
  putDeadLetter(sqs, { key: 'k', rule: 'removed' });
  const { code, out, err } = await list(...argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
});

test('a rule that only a message has, or only replication.yml, is not an error of dlq list', async () => {
  putDeadLetter(sqs, { key: 'k', rule: 'removed' });
  expect(await list('--rule', 'removed')).toMatchObject({ code: 0 });
  expect((await list('--rule', 'invoices')).out).toBe(
    `None of the 1 dead letter in ${DEAD} (us-east-1) matches.\n`,
  );
});

test('dlq list describes messages that SQS moved by itself from their body', async () => {
  const record = (key: string) => ({
    eventSource: 'aws:s3',
    s3: { bucket: { name: 'acme-documents' }, object: { key, versionId: 'v9' } },
  });
  sqs.put(DEAD, JSON.stringify({ Records: [record('a+b.pdf'), record('c.pdf')] }), {}, sqs.nowMs - 90_000);
  sqs.put(DEAD, 'no event at all');
  const [crashed, foreign] = await listEach();
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
  expect(await listEach('--prefix', 'c.')).toHaveLength(1);
  expect((await list()).out).toMatch(/crashed-or-timed-out +2 +2 +- +11:58:30Z +a b\.pdf \(and 1 more\)/);
});

test('dlq list escapes keys, so that they cannot control the terminal or look like other keys', async () => {
  const key = 'x\u001b[2J\r\n\u202etxt.exe\u200b\\ 請求書 é👩‍💻 ';
  putDeadLetter(sqs, { key, detail: 'a \u001b]0;title\u0007 detail' });
  expect(await listEach()).toMatchObject([{ key }]);
  const { out } = await list();
  expect(out).toContain(String.raw`x\x1b[2J\r\n\u202etxt.exe\u200b\\ 請求書 é👩\u200d💻\x20`);
  // oxlint-disable-next-line no-control-regex -- the characters that this finds are control characters
  expect(out.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

test('--stage, --region and the name in the configuration select the queue of dlq list', async () => {
  const { err } = await list('--stage', 'test', '--region', 'eu-central-1');
  expect(err).toContain(
    'Queue or function not found: there is no queue s3-replicator-test-live-dlq in eu-central-1',
  );
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
  expect(stripVTControlCharacters(err)).toBe('1 dead letter read\n');
  expect(err.split('\n').at(-1)).toContain('\u001b[2K');
});

test('dlq list never sends anything to the live queue', async () => {
  putDeadLetter(sqs, { key: 'invoices/1' });
  await list();
  expect(sqs.queues[LIVE]).toEqual([]);
});
