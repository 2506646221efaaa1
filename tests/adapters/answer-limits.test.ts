/** How long a destination may take to answer. The tests move the timers of this process. The requests are real. */
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import { startScriptedAws, type ScriptedAws } from '../model/scripted-aws.ts';
import { testDestination } from '../model/settings.ts';

let aws: ScriptedAws;
beforeAll(async () => {
  aws = await startScriptedAws();
});
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
});
beforeEach(() => {
  aws.seen.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

/** A destination whose server never answers, and the watch of its calls. */
const silent = () => {
  const abort = new AbortController();
  const waits: { afterMs: number; isOver: boolean }[] = [];
  const buckets = createBuckets(aws.clients, new AbortController().signal, {
    begin(_destination, { afterMs = 0, abort: abortCall }) {
      abort.signal.addEventListener('abort', abortCall);
      const wait = { afterMs, isOver: false };
      waits.push(wait);
      return { end: () => void (wait.isOver = true) };
    },
  });
  aws.answer = () => undefined;
  return { abort, waits, bucket: buckets.destination(testDestination()) };
};

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  );

const requestArrives = (): Promise<unknown> =>
  vi.waitFor(() =>
    expect(aws.seen.some(({ headers }) => !headers.authorization?.includes('/sts/'))).toBe(true),
  );

test('a call without an answer fails after ten seconds as no-answer of the destination, and its wait is over', async () => {
  const { bucket, waits } = silent();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  const failure = failureOf(bucket.look('k'));
  await requestArrives();
  expect(waits).toEqual([{ afterMs: 0, isOver: false }]);
  vi.advanceTimersByTime(10_000);
  expect(await failure).toMatchObject({ reason: 'no-answer', side: 'destination' });
  expect(waits).toEqual([{ afterMs: 0, isOver: true }]);
});

test('a call is aborted when its destination is avoided', async () => {
  const { bucket, abort } = silent();
  const failure = failureOf(bucket.look('k'));
  await requestArrives();
  abort.abort();
  expect(await failure).toMatchObject({
    reason: 'no-answer',
    message: expect.stringContaining('the destination is avoided'),
  });
});

test('the wait for the answer to a streamed body begins at the end of the body', async () => {
  const { bucket, waits, abort } = silent();
  const body = new Readable({ read: () => undefined });
  const put = bucket.uploadPart({
    key: 'k',
    uploadId: 'u',
    partNumber: 1,
    body,
    sizeBytes: 2,
    guard: { kind: 'none' },
  });
  const failure = failureOf(put);
  body.push('ab');
  await requestArrives();
  expect(waits).toEqual([]);
  body.push(null);
  await vi.waitFor(() => expect(waits).toEqual([{ afterMs: 0, isOver: false }]));
  abort.abort();
  expect(await failure).toMatchObject({ reason: 'no-answer' });
});
