import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RedriveResult } from '../../src/cli/dead-letters/redrive-result.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { awsEnvironment, putDeadLetter, ROOT, type Run, run } from './run.ts';
import {
  completeMoves,
  DEAD,
  LIVE,
  type ScriptedSqs,
  startScriptedSqs,
  type StoredMessage,
} from './scripted-sqs.ts';

let sqs: ScriptedSqs;

beforeEach(async () => {
  sqs = await startScriptedSqs();
  for (const [name, value] of Object.entries(awsEnvironment(sqs))) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await sqs.close();
});

const redrive = (argv: string[] = [], io: Partial<CliIo> = {}): Promise<Run> =>
  run(['dlq', 'redrive', ...argv], { now: () => sqs.nowMs, ...io });
const redriveJson = async (...argv: string[]): Promise<RedriveResult> =>
  JSON.parse((await redrive(['--json', ...argv])).out);
const messagesIn = (queue: string): StoredMessage[] => sqs.queues[queue]!;
const keysIn = (queue: string): string[] =>
  messagesIn(queue)
    .map(({ body }) => JSON.parse(body).key)
    .toSorted();
const allVisible = (): boolean => messagesIn(DEAD).every(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);
const fill = (count: number): void => {
  for (let n = 0; n < count; n += 1) {
    putDeadLetter(sqs, {
      key: `invoices/${String(n).padStart(4, '0')}`,
      reason: n % 3 === 0 ? 'kms' : 'access-denied',
    });
  }
};

describe('without a filter', () => {
  test('SQS moves everything, and the reasons are counted', async () => {
    fill(25);
    const { code, out } = await redrive();
    expect(code).toBe(0);
    expect(out).toBe(`25 messages sent from ${DEAD} to ${LIVE}.\n  16 × access-denied\n  9 × kms\n`);
    expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([0, 25]);
    expect(sqs.calls).toContain(`StartMessageMoveTask ${DEAD}`);
    expect(sqs.calls).not.toContain(`SendMessageBatch ${LIVE}`);
  });

  test('--json has these fields', async () => {
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

  test('progress tells how many were moved, how fast and how long it takes', async () => {
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

  test('an empty queue is no failure and starts nothing', async () => {
    expect(await redrive()).toEqual({ code: 0, err: '', out: `Nothing to redrive in ${DEAD}.\n` });
    expect(sqs.calls).not.toContain(`StartMessageMoveTask ${DEAD}`);
  });

  test('a queue whose messages somebody else holds is a failure', async () => {
    fill(2);
    for (const message of messagesIn(DEAD)) message.visibleAtMs = sqs.nowMs + 30_000;
    const { code, err } = await redrive();
    expect(code).toBe(1);
    expect(err).toContain('about 2 messages held by another command: try again in a minute');
  });

  test('a failed move task gives its reason and exits with 3 where something was moved', async () => {
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

  test('a failed move task that moved nothing exits with 1', async () => {
    fill(1);
    sqs.onPoll = () => {
      for (const task of sqs.moveTasks)
        Object.assign(task, { Status: 'FAILED', FailureReason: 'KmsDisabled' });
    };
    expect((await redrive()).code).toBe(1);
  });

  test('a move task that is running already is watched, and the queue left alone meanwhile', async () => {
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

  test('somebody who starts a move task a moment earlier is watched too', async () => {
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

  test('Ctrl-C leaves the move task running and says how to look at it and stop it', async () => {
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

  test('--max-rate is handed to SQS', async () => {
    fill(1);
    let rate: unknown;
    sqs.script = (operation, input) => {
      if (operation === 'StartMessageMoveTask') rate = input.MaxNumberOfMessagesPerSecond;
      return undefined;
    };
    await redrive(['--max-rate', '50']);
    expect(rate).toBe(50);
  });

  test('a missing permission is named', async () => {
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
});

describe('with a filter or limit', () => {
  test('what matches is sent as it is and deleted, the rest released', async () => {
    fill(30);
    const before = messagesIn(DEAD).filter(({ attributes }) => attributes['reason']?.StringValue === 'kms');
    const { code, out } = await redrive(['--reason', 'kms']);
    expect(code).toBe(0);
    expect(out).toBe(`10 messages sent from ${DEAD} to ${LIVE}.\n  10 × kms\n`);
    const contents = (messages: StoredMessage[]) =>
      messages.map(({ body, attributes }) => ({ body, attributes }));
    // First-seen and attempts among them: they must survive a second quarantine.
    expect(contents(messagesIn(LIVE))).toEqual(contents(before));
    expect(messagesIn(LIVE)[0]?.attributes).toHaveProperty('first-seen');
    expect(messagesIn(DEAD)).toHaveLength(20);
    expect(allVisible()).toBe(true);
  });

  test('--limit moves that many and no more', async () => {
    fill(30);
    const result = await redriveJson('--limit', '13');
    expect(result).toMatchObject({ method: 'one-by-one', status: 'done', moved: 13, notMoved: 0 });
    expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([17, 13]);
    expect(allVisible()).toBe(true);
  });

  test('binary attributes and foreign types pass unchanged', async () => {
    sqs.put(DEAD, 'foreign');
    const foreign = {
      blob: { DataType: 'Binary.png', BinaryValue: 'AAEC' },
      n: { DataType: 'Number', StringValue: '7' },
    };
    messagesIn(DEAD)[0]!.attributes = foreign;
    await redrive(['--reason', 'crashed-or-timed-out']);
    expect(messagesIn(LIVE)).toMatchObject([{ body: 'foreign', attributes: foreign }]);
  });

  test('messages too large for one batch together go in several', async () => {
    const big = 'x'.repeat(300_000);
    for (let n = 0; n < 8; n += 1) sqs.put(DEAD, `${n}${big}`);
    expect(await redriveJson('--limit', '100')).toMatchObject({ moved: 8 });
    expect(sqs.calls.filter((call) => call.startsWith('SendMessageBatch'))).toHaveLength(3);
  });

  test('killed between sending and deleting, nothing is lost, and a second run finishes', async () => {
    fill(25);
    const all = keysIn(DEAD);
    // Only the first batch is sent, and the process dies before SQS has heard of the deletion.
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
    // What the dead process held comes back by itself within a minute.
    sqs.script = () => undefined;
    sqs.nowMs += 60_000;
    await redrive(['--prefix', 'invoices/']);
    expect(messagesIn(DEAD)).toEqual([]);
    expect([...new Set(keysIn(LIVE))]).toEqual(all);
  });

  test('messages the live queue refuses stay where they are, and the exit code says so', async () => {
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

  test('a failure in the middle tells what was moved before it, and why it stopped', async () => {
    fill(30);
    let sends = 0;
    sqs.script = (operation) =>
      operation === 'SendMessageBatch' && (sends += 1) > 1
        ? { status: 403, code: 'AccessDenied', message: 'not authorized' }
        : undefined;
    const { code, out, err } = await redrive(['--prefix', 'invoices/']);
    expect(code).toBe(3);
    expect(out).toContain('10 messages sent');
    expect(err).toContain(`sqs:SendMessage on queue ${LIVE}`);
    expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([20, 10]);
    expect(allVisible()).toBe(true);
  });

  test('what could be sent but not deleted is in both queues, and said to be harmless', async () => {
    fill(2);
    sqs.script = (operation) =>
      operation === 'DeleteMessageBatch' ? { status: 403, code: 'AccessDenied', message: 'no' } : undefined;
    const { code, out } = await redrive(['--limit', '5']);
    expect(code).toBe(3);
    expect(out).toContain(`2 messages stayed in ${DEAD} as well: harmless`);
    expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([2, 2]);
  });

  test('Ctrl-C finishes the batch in hand, releases the rest and exits with 130', async () => {
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

  test('--max-rate spaces the batches', async () => {
    fill(30);
    const pauses: number[] = [];
    const sleep = async (ms: number): Promise<void> => void pauses.push(ms);
    await redrive(['--prefix', 'invoices/', '--max-rate', '5'], { sleep });
    expect(pauses).toEqual([2_000, 2_000, 2_000]);
  });

  test('nothing that matches is no failure', async () => {
    fill(3);
    expect(await redrive(['--reason', 'sse-c'])).toMatchObject({
      code: 0,
      out: `Nothing to redrive in ${DEAD}.\n`,
    });
    expect(allVisible()).toBe(true);
  });
});

describe('--dry-run', () => {
  test('shows what would be sent and sends nothing', async () => {
    fill(12);
    const { code, out } = await redrive(['--dry-run', '--reason', 'kms', '--limit', '3']);
    expect(code).toBe(0);
    expect(out).toContain(`Dry run: 3 messages would be sent from ${DEAD} to ${LIVE}.\n  3 × kms\n`);
    expect(out).toMatch(/kms +2h 5m +1 +invoices +archive +invoices\/0000/);
    expect([messagesIn(DEAD).length, messagesIn(LIVE).length]).toEqual([12, 0]);
    expect(allVisible()).toBe(true);
    expect(sqs.calls).not.toContain(`StartMessageMoveTask ${DEAD}`);
  });

  test('--json holds the messages as `dlq list` shows them', async () => {
    fill(2);
    const result = await redriveJson('--dry-run');
    expect(result).toMatchObject({ method: 'dry-run', moved: 0, byReason: { 'access-denied': 1, kms: 1 } });
    expect(result.messages).toEqual(
      JSON.parse((await run(['dlq', 'list', '--json'], { now: () => sqs.nowMs })).out),
    );
  });
});
