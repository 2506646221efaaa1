/** `dlq redrive` with a filter, with a limit, and with --dry-run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  allVisible,
  fill,
  keysIn,
  messagesIn,
  redrive,
  redriveJson,
  sqs,
  startQueues,
  stopQueues,
} from './redrive-queues.ts';
import { awsEnvironment, ROOT, run } from './run.ts';
import { DEAD, LIVE, REPLICATE, type StoredMessage } from './scripted-sqs.ts';

beforeEach(startQueues);
afterEach(stopQueues);

test('dlq redrive with a filter sends the matching messages unchanged, deletes them, and releases the others', async () => {
  fill(30);
  const before = messagesIn(DEAD).filter(({ attributes }) => attributes['reason']?.StringValue === 'kms');
  const { code, out } = await redrive(['--reason', 'kms']);
  expect(code).toBe(0);
  expect(out).toBe(`10 messages sent from ${DEAD} to ${LIVE}.\n  10 × kms\n`);
  const contents = (messages: StoredMessage[]) =>
    messages.map(({ body, attributes }) => ({ body, attributes }));
  // The attributes include first-seen and attempts. Both must stay, in case the message is quarantined a
  // second time.
  expect(contents(messagesIn(LIVE))).toEqual(contents(before));
  expect(messagesIn(LIVE)[0]?.attributes).toHaveProperty('first-seen');
  expect(messagesIn(DEAD)).toHaveLength(20);
  expect(allVisible()).toBe(true);
});

test.each([
  [2, 1],
  [1, 3],
])(
  'dlq redrive with a filter does not succeed if another reader holds %i of 2 messages',
  async (held, expected) => {
    fill(2);
    for (const message of messagesIn(DEAD).slice(0, held)) message.visibleAtMs = sqs.nowMs + 600_000;
    const { code, out } = await redrive(['--prefix', '', '--limit', '10', '--json']);
    expect(code).toBe(expected);
    expect(JSON.parse(out)).toMatchObject({
      status: 'failed',
      notMoved: held,
      problem: expect.stringContaining('held by another command: try again in a minute'),
    });
  },
);

test('dlq redrive --limit moves exactly that many messages', async () => {
  fill(30);
  const result = await redriveJson('--limit', '13');
  expect(result).toMatchObject({ method: 'one-by-one', status: 'done', moved: 13, notMoved: 0 });
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([17, 13]);
  expect(allVisible()).toBe(true);
});

test('dlq redrive sends binary attributes and foreign types unchanged', async () => {
  sqs.put(DEAD, 'foreign');
  const foreign = {
    blob: { DataType: 'Binary.png', BinaryValue: 'AAEC' },
    n: { DataType: 'Number', StringValue: '7' },
  };
  messagesIn(DEAD)[0]!.attributes = foreign;
  await redrive(['--reason', 'crashed-or-timed-out']);
  expect(messagesIn(LIVE)).toMatchObject([{ body: 'foreign', attributes: foreign }]);
});

test('dlq redrive sends messages that are too large for one batch in several batches', async () => {
  const big = 'x'.repeat(300_000);
  for (let n = 0; n < 8; n += 1) sqs.put(DEAD, `${n}${big}`);
  expect(await redriveJson('--limit', '100')).toMatchObject({ moved: 8 });
  expect(sqs.calls.filter((call) => call.startsWith('SendMessageBatch'))).toHaveLength(2);
});

test('after a redrive is killed between sending and deleting, no message is lost and a second redrive finishes the work', async () => {
  fill(25);
  const all = keysIn(DEAD);
  // The process sends only the first batch. It is killed when it tries to delete that batch from the
  // dead-letter queue, and the deletion has no effect.
  const child = spawn(
    process.execPath,
    [`${ROOT}bin/s3-replicator.mjs`, 'dlq', 'redrive', '--prefix', 'invoices/'],
    { cwd: ROOT, env: { ...process.env, ...awsEnvironment(sqs) }, stdio: 'ignore' },
  );
  sqs.script = (operation) => {
    if (operation !== 'DeleteMessageBatch') return undefined;
    child.kill('SIGKILL');
    return 'no answer';
  };
  await once(child, 'exit');
  expect(messagesIn(LIVE)).toHaveLength(10);
  expect(keysIn(DEAD)).toEqual(all);
  // The messages that the killed process had received become visible again within a minute.
  sqs.script = () => undefined;
  sqs.nowMs += 60_000;
  await redrive(['--prefix', 'invoices/']);
  expect(messagesIn(DEAD)).toEqual([]);
  expect([...new Set(keysIn(LIVE))]).toEqual(all);
});

test('messages that the live queue refuses stay in the dead-letter queue, and the exit code is 3', async () => {
  fill(12);
  let first = true;
  sqs.script = (operation, input) => {
    if (operation !== 'SendMessageBatch' || !first) return undefined;
    first = false;
    input.Entries.splice(2);
    return undefined;
  };
  const result = await redrive(['--prefix', 'invoices/', '--json']);
  expect(result.code).toBe(3);
  expect(JSON.parse(result.out)).toMatchObject({ status: 'failed', moved: 4, notMoved: 8 });
  expect(messagesIn(DEAD)).toHaveLength(8);
  expect(allVisible()).toBe(true);
});

test('a redrive that fails halfway shows the messages moved until then and the reason', async () => {
  fill(30);
  let sends = 0;
  sqs.script = (operation) =>
    operation === 'SendMessageBatch' && (sends += 1) > 1
      ? { status: 403, code: 'AccessDenied', message: 'not authorized' }
      : undefined;
  const { code, out, err } = await redrive(['--prefix', 'invoices/']);
  expect(code).toBe(3);
  expect(out).toContain('10 messages sent');
  expect(err).toContain(`the function ${REPLICATE} failed`);
  expect(err).toContain('not authorized');
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([20, 10]);
  expect(allVisible()).toBe(true);
});

test('messages that were sent but not deleted are in both queues, and the output calls that harmless', async () => {
  fill(2);
  sqs.script = (operation) =>
    operation === 'DeleteMessageBatch' ? { status: 403, code: 'AccessDenied', message: 'no' } : undefined;
  const { code, out } = await redrive(['--limit', '5']);
  expect(code).toBe(3);
  expect(out).toContain(`2 messages stayed in ${DEAD} as well: harmless`);
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([2, 2]);
});

test('Ctrl-C lets a redrive finish its current batch, release the other messages and exit with 130', async () => {
  fill(40);
  const controller = new AbortController();
  sqs.script = (operation) => {
    if (operation === 'SendMessageBatch') controller.abort();
    return undefined;
  };
  const { code, out } = await redrive(['--prefix', 'invoices/'], { interrupted: controller.signal });
  expect(code).toBe(130);
  expect(out).toContain('10 messages sent');
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([30, 10]);
  expect(allVisible()).toBe(true);
});

test('dlq redrive with a filter pauses between batches for --max-rate', async () => {
  fill(30);
  const pauses: number[] = [];
  const sleep = async (ms: number): Promise<void> => void pauses.push(ms);
  await redrive(['--prefix', 'invoices/', '--max-rate', '5'], { sleep });
  expect(pauses).toEqual([2_000, 2_000, 2_000]);
});

test('dlq redrive succeeds if no message matches the filter', async () => {
  fill(3);
  expect(await redrive(['--reason', 'sse-c'])).toMatchObject({
    code: 0,
    out: `Nothing to redrive in ${DEAD}.\n`,
  });
  expect(allVisible()).toBe(true);
});

test('dlq redrive --dry-run shows the messages that would be sent, and sends none', async () => {
  fill(12);
  const { code, out } = await redrive(['--dry-run', '--reason', 'kms', '--limit', '3']);
  expect(code).toBe(0);
  expect(out).toMatch(/kms +3 +3 +invoices → archive .* invoices\/0000\n/);
  expect(out).toContain(`\nDry run: 3 messages would be sent from ${DEAD} to ${LIVE}.\n`);
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([12, 0]);
  expect(allVisible()).toBe(true);
  expect(sqs.calls).not.toContain(`StartMessageMoveTask ${DEAD}`);
});

test('dlq redrive --dry-run --json prints the groups in the format of dlq list --json', async () => {
  fill(2);
  const result = await redriveJson('--dry-run');
  expect(result).toMatchObject({ method: 'dry-run', moved: 0, byReason: { 'access-denied': 1, kms: 1 } });
  expect(result.groups).toEqual(
    JSON.parse((await run(['dlq', 'list', '--json'], { now: () => sqs.nowMs })).out).groups,
  );
});
