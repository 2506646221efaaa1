/** `dlq redrive` without a filter. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toAttributes } from '../../src/lib/delivery/dead-letter.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
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
import { putDeadLetter } from './run.ts';
import { BACKFILL, DEAD, LIVE, REPLICATE } from './scripted-sqs.ts';

beforeEach(startQueues);
afterEach(stopQueues);

test('dlq redrive without a filter sends all messages through the replicate function, and counts their reasons', async () => {
  fill(125);
  const { code, out } = await redrive(['--yes']);
  expect(code).toBe(0);
  expect(out).toBe(`125 messages sent from ${DEAD} to ${LIVE}.\n  83 × access-denied\n  42 × kms\n`);
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([0, 125]);
});

test('dlq redrive --json prints the documented fields', async () => {
  fill(3);
  expect(await redriveJson()).toEqual({
    queue: DEAD,
    liveQueue: LIVE,
    method: 'one-by-one',
    status: 'done',
    moved: 3,
    notMoved: 0,
    inBothQueues: 0,
    byReason: { 'access-denied': 2, kms: 1 },
    byReasonComplete: true,
    problem: null,
    groups: null,
  });
});

test('dead letters of the kinds that only runs send go back to the queue of runs, but not those that SQS itself moved', async () => {
  const HINT = { bucket: 'b', versionId: null, sizeBytes: null, identity: null, principalId: null };
  const of = { ...HINT, rule: 'r', destination: 'd', run: null };
  const letter = { ...of, version: null, firstSeenMs: 0, attempts: 1, requestId: null, detail: '' };
  for (const kind of ['extra', 'repair', 'hint'])
    sqs.put(
      DEAD,
      formatHint({ ...of, key: kind, kind }),
      toAttributes({ ...letter, key: kind, reason: 'kms' }),
    );
  sqs.put(DEAD, formatHint({ ...of, key: 'moved', kind: 'extra' }));
  messagesIn(DEAD).at(-1)!.movedFrom = LIVE;
  expect((await redrive()).code).toBe(0);
  expect([keysIn(BACKFILL), keysIn(LIVE)]).toEqual([
    ['extra', 'repair'],
    ['hint', 'moved'],
  ]);
});

test('above 100 messages dlq redrive asks, and says how many come back unless their cause was fixed', async () => {
  fill(99);
  putDeadLetter(sqs, { key: 'gone', reason: 'retries-exhausted' });
  const questions: string[] = [];
  const answer = (text: string) => async (question: string) => {
    questions.push(question);
    return text;
  };
  expect(await redrive(['--limit', '100'], { ask: answer('n') })).toMatchObject({ code: 0 });
  expect(questions).toEqual([]);
  fill(100);
  putDeadLetter(sqs, { key: 'gone', reason: 'retries-exhausted' });
  const declined = await redrive([], { ask: answer('n') });
  expect(declined).toMatchObject({ code: 1, out: '' });
  expect(questions).toEqual(['Send them? [y/N] ']);
  expect(declined.err).toContain(
    '101 dead letters would be sent. 100 of them come back unless their causes were fixed: 66 × access-denied, 34 × kms.',
  );
  expect(declined.err).toContain('Nothing was sent.');
  expect(messagesIn(DEAD)).toHaveLength(101);
  expect(allVisible()).toBe(true);
  expect(await redrive([], { ask: answer('y') })).toMatchObject({ code: 0 });
  expect(messagesIn(DEAD)).toEqual([]);
});

test('above 100 messages dlq redrive sends nothing if there is nobody to ask', async () => {
  fill(101);
  const { code, err } = await redrive();
  expect(code).toBe(2);
  expect(err).toContain('No terminal to ask on');
  expect(messagesIn(LIVE)).toEqual([]);
});

test('dlq redrive on an empty queue succeeds', async () => {
  expect(await redrive()).toEqual({ code: 0, err: '', out: `Nothing to redrive in ${DEAD}.\n` });
});

test('dlq redrive fails if another reader holds all messages of the queue', async () => {
  fill(2);
  for (const message of messagesIn(DEAD)) message.visibleAtMs = sqs.nowMs + 30_000;
  const { code, out } = await redrive(['--json']);
  expect(code).toBe(1);
  expect(out).toContain('about 2 messages held by another command: try again in a minute');
});

test('dlq redrive names the permission that is missing', async () => {
  fill(1);
  sqs.script = (operation) =>
    operation === 'Invoke'
      ? { status: 403, code: 'AccessDeniedException', message: 'User is not authorized.' }
      : undefined;
  const { code, err } = await redrive();
  expect(code).toBe(1);
  expect(err).toContain(`lambda:InvokeFunction on function ${REPLICATE} in us-east-1 is not allowed`);
  expect(allVisible()).toBe(true);
});
