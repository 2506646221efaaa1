/** `dlq redrive` without a filter. SQS itself moves all messages in this case. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  allVisible,
  fill,
  messagesIn,
  redrive,
  redriveJson,
  sqs,
  startQueues,
  stopQueues,
} from './redrive-queues.ts';
import { completeMoves, DEAD, LIVE } from './scripted-sqs.ts';

beforeEach(startQueues);
afterEach(stopQueues);

test('dlq redrive without a filter makes SQS move all messages, and counts their reasons', async () => {
  fill(25);
  const { code, out } = await redrive();
  expect(code).toBe(0);
  expect(out).toBe(`25 messages sent from ${DEAD} to ${LIVE}.\n  16 × access-denied\n  9 × kms\n`);
  expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([0, 25]);
  expect(sqs.calls).toContain(`StartMessageMoveTask ${DEAD}`);
  expect(sqs.calls).not.toContain(`SendMessageBatch ${LIVE}`);
});

test('dlq redrive --json prints the documented fields', async () => {
  fill(3);
  expect(await redriveJson()).toEqual({
    queue: DEAD,
    liveQueue: LIVE,
    method: 'message-move-task',
    status: 'done',
    moved: 3,
    notMoved: 0,
    inBothQueues: 0,
    byReason: { 'access-denied': 2, kms: 1 },
    byReasonComplete: true,
    problem: null,
    messages: null,
  });
});

test('the progress of a move task shows the moved messages, the rate and the time left', async () => {
  fill(4);
  let polls = 0;
  sqs.onPoll = () => {
    const [task] = sqs.moveTasks;
    if (task === undefined) return;
    polls += 1;
    sqs.nowMs += 10_000;
    if (polls === 4) return completeMoves(sqs);
    Object.assign(task, { ApproximateNumberOfMessagesMoved: polls, ApproximateNumberOfMessagesToMove: 4 });
  };
  expect((await redrive()).err).toBe(
    '1 of 4 moved, 0.1/s, 30s left\n2 of 4 moved, 0.1/s, 20s left\n3 of 4 moved, 0.1/s, 10s left\n4 of 4 moved, 0.1/s\n',
  );
});

test('dlq redrive on an empty queue succeeds and starts no move task', async () => {
  expect(await redrive()).toEqual({ code: 0, err: '', out: `Nothing to redrive in ${DEAD}.\n` });
  expect(sqs.calls).not.toContain(`StartMessageMoveTask ${DEAD}`);
});

test('dlq redrive fails if another reader holds all messages of the queue', async () => {
  fill(2);
  for (const message of messagesIn(DEAD)) message.visibleAtMs = sqs.nowMs + 30_000;
  const { code, err } = await redrive();
  expect(code).toBe(1);
  expect(err).toContain('about 2 messages held by another command: try again in a minute');
});

test('a move task that fails after it has moved messages exits with 3 and shows its reason', async () => {
  fill(5);
  sqs.onPoll = () => {
    for (const task of sqs.moveTasks) {
      Object.assign(task, {
        Status: 'FAILED',
        FailureReason: 'AccessDenied',
        ApproximateNumberOfMessagesMoved: 2,
        ApproximateNumberOfMessagesToMove: 5,
      });
    }
  };
  const { code, out, err } = await redrive();
  expect(code).toBe(3);
  expect(err).toContain('the move task failed: AccessDenied');
  expect(out).toContain(`3 messages stayed in ${DEAD}.`);
});

test('a move task that fails before it has moved a message exits with 1', async () => {
  fill(1);
  sqs.onPoll = () => {
    for (const task of sqs.moveTasks) Object.assign(task, { Status: 'FAILED', FailureReason: 'KmsDisabled' });
  };
  expect((await redrive()).code).toBe(1);
});

test('dlq redrive watches a move task that is running already, and does not read the queue', async () => {
  fill(5);
  sqs.moveTasks.push({
    TaskHandle: 'handle',
    Status: 'RUNNING',
    StartedTimestamp: sqs.nowMs - 60_000,
    ApproximateNumberOfMessagesMoved: 1,
  });
  let polls = 0;
  sqs.onPoll = () => {
    if ((polls += 1) === 4) completeMoves(sqs);
  };
  const { code, err } = await redrive();
  expect(code).toBe(0);
  expect(err).toContain('a move task was running already');
  expect(sqs.calls).not.toContain(`StartMessageMoveTask ${DEAD}`);
  expect(sqs.calls).not.toContain(`ReceiveMessage ${DEAD}`);
});

test('dlq redrive watches a move task that another operator starts a moment earlier', async () => {
  fill(2);
  sqs.onPoll = () => {};
  sqs.script = (operation) => {
    if (operation !== 'StartMessageMoveTask') return undefined;
    sqs.moveTasks.unshift({
      TaskHandle: 'theirs',
      Status: 'RUNNING',
      StartedTimestamp: sqs.nowMs,
      ApproximateNumberOfMessagesMoved: 0,
    });
    let polls = 0;
    sqs.onPoll = () => {
      if ((polls += 1) === 3) completeMoves(sqs);
    };
    return { status: 400, code: 'UnsupportedOperation', message: 'There is already a task running.' };
  };
  const { code, err } = await redrive();
  expect(code).toBe(0);
  expect(err).toContain('a move task was running already');
  expect(messagesIn(LIVE)).toHaveLength(2);
});

test('Ctrl-C leaves the move task running, and the note says how to watch it and stop it', async () => {
  fill(2);
  const controller = new AbortController();
  sqs.onPoll = () => {};
  const sleep = async (): Promise<void> => controller.abort();
  const { code, err } = await redrive([], { interrupted: controller.signal, sleep });
  expect(code).toBe(130);
  expect(err).toContain(
    `aws sqs list-message-move-tasks --region us-east-1 --source-arn arn:aws:sqs:us-east-1:111111111111:${DEAD}`,
  );
  expect(err).toContain(`--task-handle ${sqs.moveTasks[0]?.TaskHandle}`);
  expect(sqs.moveTasks).toMatchObject([{ Status: 'RUNNING' }]);
});

test('dlq redrive passes --max-rate to SQS', async () => {
  fill(1);
  let rate: unknown;
  sqs.script = (operation, input) => {
    if (operation === 'StartMessageMoveTask') rate = input.MaxNumberOfMessagesPerSecond;
    return undefined;
  };
  await redrive(['--max-rate', '50']);
  expect(rate).toBe(50);
});

test('dlq redrive names the permission that is missing', async () => {
  fill(1);
  sqs.script = (operation) =>
    operation === 'StartMessageMoveTask'
      ? { status: 403, code: 'AccessDeniedException', message: 'User is not authorized.' }
      : undefined;
  const { code, err } = await redrive();
  expect(code).toBe(1);
  expect(err).toContain(`sqs:StartMessageMoveTask on queue ${DEAD} in us-east-1 is not allowed`);
  expect(allVisible()).toBe(true);
});
