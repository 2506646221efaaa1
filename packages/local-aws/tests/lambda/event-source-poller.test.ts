import { afterEach, expect, test } from 'vitest';
import { PATIENCE } from './lambda-fixture.ts';
import { REPORT, startMappingFixture, type MappingFixture } from './mapping-fixture.ts';

let fixture: MappingFixture | undefined;
afterEach(() => fixture?.close());
const start = async (...given: Parameters<typeof startMappingFixture>): Promise<MappingFixture> =>
  (fixture = await startMappingFixture(...given));

const usage = () => fixture?.lambda.usage('consumer');

test('concurrent invocations grow with the messages up to the maximum concurrency', async () => {
  const { queue, map } = await start(
    `exports.handler = async () => { await new Promise((r) => setTimeout(r, 300)) }`,
  );
  for (let count = 0; count < 6; count += 1) queue.send('x');
  await map({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: 3 } });
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  expect(usage()?.peakConcurrency).toBe(3);
});

const WAITING = `exports.handler = async () => { await new Promise((r) => setTimeout(r, 200)) }`;

test('the poller receives messages before it knows that the function has capacity, and retries until it has', async () => {
  const { queue, map } = await start(WAITING, { function: { ReservedConcurrentExecutions: 1 } });
  for (let count = 0; count < 3; count += 1) queue.send('x');
  await map({ BatchSize: 1 });
  await expect.poll(queue.receiveCounts, PATIENCE).toEqual([1, 1, 1]);
  expect(queue.ids()).toHaveLength(3);
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  expect(usage()).toMatchObject({ invocations: 3, peakConcurrency: 1 });
  expect(usage()?.throttles).toBeGreaterThan(2);
});

test('a message that is throttled until its visibility timeout ends is received again, and the first receive counts', async () => {
  const { queue, map, clock, lambda } = await start(WAITING, { lambda: { accountConcurrency: 0 } });
  queue.send('x');
  await map();
  await expect.poll(() => usage()?.throttles, PATIENCE).toBeGreaterThan(1);
  expect(queue.receiveCounts()).toEqual([1]);
  clock.advance(30_000);
  await expect.poll(queue.receiveCounts, PATIENCE).toEqual([2]);
  expect(usage()?.invocations).toBe(0);
  expect(lambda.eventSources.list()[0]?.lastProcessingResult).toBe('PROBLEM: Function throttled');
});

test('at its maximum concurrency the poller leaves messages in the queue', async () => {
  const { queue, map } = await start(WAITING);
  for (let count = 0; count < 4; count += 1) queue.send('x');
  await map({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } });
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  // No invocation was throttled, so the poller received no message before the function had capacity for it.
  expect(usage()).toMatchObject({ invocations: 4, peakConcurrency: 2, throttles: 0 });
});

test.each([
  ['without batch reports, failed invocations reduce the batches that run at the same time', {}, 2],
  ['with batch reports, failed invocations reduce nothing', REPORT, 5],
])('%s', async (_title, properties, concurrent) => {
  const { queue, map, lambda } = await start(
    `exports.handler = async () => { await new Promise((r) => setTimeout(r, 200)); throw new Error('no') }`,
  );
  await map({ BatchSize: 1, ...properties });
  for (let count = 0; count < 5; count += 1) queue.send('x');
  await expect.poll(() => usage()?.errors, PATIENCE).toBe(5);
  lambda.resetUsage('consumer');
  for (let count = 0; count < 10; count += 1) queue.send('x');
  await expect.poll(() => usage()?.errors, PATIENCE).toBe(10);
  expect(usage()?.peakConcurrency).toBe(concurrent);
});

test('a batch ends before its event exceeds 6 MB, and the other received messages begin the next batch', async () => {
  const { queue, map, lines } = await start(
    `exports.handler = async (event) => { process.stdout.write(event.Records.length + '\\n') }`,
  );
  for (let count = 0; count < 8; count += 1) queue.send('x'.repeat(1_048_576 - 1000));
  await map();
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  expect(lines.map((each) => each.line).sort()).toEqual(['2', '6']);
});
