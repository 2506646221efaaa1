import { afterEach, expect, test } from 'vitest';
import { ACCOUNT_ID, PATIENCE, REGION } from './lambda-fixture.ts';
import {
  allowOnQueue,
  QUEUE_ACTIONS,
  QUEUE_ARN,
  REPORT,
  startMappingFixture,
  type MappingFixture,
} from './mapping-fixture.ts';

let fixture: MappingFixture | undefined;
afterEach(() => fixture?.close());
const start = async (...given: Parameters<typeof startMappingFixture>): Promise<MappingFixture> =>
  (fixture = await startMappingFixture(...given));

const usage = () => fixture?.lambda.usage('consumer');

test('a message reaches the function as an SQS event and is deleted afterwards, with the permissions of the role', async () => {
  const { queue, map, lines } = await start(
    `exports.handler = async (event) => { process.stdout.write(JSON.stringify(event) + '\\n') }`,
  );
  const id = queue.send('{"a":1}', { reason: { DataType: 'String', StringValue: 'denied' } });
  await map();
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  expect(JSON.parse(lines[0]?.line ?? '')).toEqual({
    Records: [
      {
        messageId: id,
        receiptHandle: `handle-of-${id}`,
        body: '{"a":1}',
        attributes: { ApproximateReceiveCount: '1' },
        messageAttributes: {
          reason: { stringValue: 'denied', dataType: 'String', stringListValues: [], binaryListValues: [] },
        },
        md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventSource: 'aws:sqs',
        eventSourceARN: QUEUE_ARN,
        awsRegion: REGION,
      },
    ],
  });
  const names = queue.callers.slice(1).map((caller) => 'arn' in caller && caller.arn);
  expect(new Set(names)).toEqual(new Set([`arn:aws:sts::${ACCOUNT_ID}:assumed-role/function-role/consumer`]));
});

test('a batch is never larger than BatchSize', async () => {
  const { queue, map, lines } = await start(
    `exports.handler = async (event) => { process.stdout.write(event.Records.length + '\\n') }`,
  );
  for (let count = 0; count < 7; count += 1) queue.send('x');
  await map({ BatchSize: 3 });
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  const sizes = lines.map((each) => Number(each.line));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(7);
  expect(Math.max(...sizes)).toBe(3);
});

test('a window gathers more than ten messages into one batch', async () => {
  const { queue, map, lines } = await start(
    `exports.handler = async (event) => { process.stdout.write(event.Records.length + '\\n') }`,
  );
  for (let count = 0; count < 25; count += 1) queue.send('x');
  await map({ BatchSize: 25, MaximumBatchingWindowInSeconds: '5' });
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  expect(lines.map((each) => each.line)).toEqual(['25']);
});

const answering = (expression: string) => `exports.handler = async (event) => (${expression})`;
const BAD = `{ itemIdentifier: event.Records.find((r) => r.body === 'bad').messageId }`;

test.each([
  ['the failed message', `{ batchItemFailures: [${BAD}] }`, ['bad']],
  ['no message if the list of failures is empty', `{ batchItemFailures: [] }`, []],
  ['no message if the list of failures is null', `{ batchItemFailures: null }`, []],
  ['no message if the answer is empty', `{}`, []],
  ['no message if there is no answer', `undefined`, []],
  [
    'all messages if an id is unknown',
    `{ batchItemFailures: [{ itemIdentifier: 'other' }] }`,
    ['good', 'bad'],
  ],
  ['all messages if an id is empty', `{ batchItemFailures: [{ itemIdentifier: '' }] }`, ['good', 'bad']],
  ['all messages if an id is null', `{ batchItemFailures: [{ itemIdentifier: null }] }`, ['good', 'bad']],
  ['all messages if a key is misspelt', `{ batchItemFailures: [{ messageId: 'x' }] }`, ['good', 'bad']],
  ['all messages if the answer is no object', `'done'`, ['good', 'bad']],
])('with batch reports the queue keeps %s', async (_what, expression, left) => {
  const { queue, map } = await start(answering(expression));
  const bodies = new Map<string, string>([
    [queue.send('good'), 'good'],
    [queue.send('bad'), 'bad'],
  ]);
  await map(REPORT);
  await expect.poll(() => usage()?.invocations, PATIENCE).toBe(1);
  await fixture?.lambda.eventSources.stop();
  expect(queue.ids().map((id) => bodies.get(id))).toEqual(left);
});

test('the whole batch stays in the queue if the function fails', async () => {
  const { queue, map } = await start(`exports.handler = async () => { throw new Error('no') }`);
  queue.send('x');
  await map(REPORT);
  await expect.poll(() => usage()?.errors, PATIENCE).toBe(1);
  await fixture?.lambda.eventSources.stop();
  expect(queue.ids()).toHaveLength(1);
});

test('a mapping without ReportBatchItemFailures ignores reported failures, so no message stays in the queue', async () => {
  const { queue, map } = await start(answering(`{ batchItemFailures: [{ itemIdentifier: 'other' }] }`));
  queue.send('x');
  await map();
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
});

test('polling continues after SQS refused a call', async () => {
  const { queue, map } = await start(`exports.handler = async () => {}`);
  await map();
  queue.failWith(new Error('AccessDenied'));
  await expect
    .poll(() => fixture?.lambda.eventSources.list()[0]?.lastProcessingResult, PATIENCE)
    .toContain('PROBLEM: AccessDenied');
  queue.failWith(null);
  queue.send('x');
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
});

test('a disabled mapping receives nothing until it is enabled', async () => {
  const { queue, map, lambda } = await start(`exports.handler = async () => {}`);
  const properties = { EventSourceArn: QUEUE_ARN, FunctionName: 'consumer' };
  const uuid = await map({ Enabled: 'false' });
  queue.send('x');
  expect(lambda.eventSources.list()).toMatchObject([{ state: 'Disabled' }]);
  expect(queue.ids()).toHaveLength(1);
  await lambda.eventSources.update(uuid, { ...properties, Enabled: true });
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
});

test('a mapping that is switched off receives until it is Disabled, and nothing until it is Enabled again', async () => {
  const { queue, map, lambda, clock } = await start(`exports.handler = async () => {}`);
  const uuid = await map();
  const state = () => lambda.eventSources.list()[0]?.state;
  expect(await lambda.eventSources.change(uuid, { Enabled: false })).toMatchObject({ state: 'Disabling' });
  queue.send('received while Disabling');
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
  await expect(lambda.eventSources.change(uuid, { Enabled: true })).rejects.toMatchObject({
    code: 'ResourceInUseException',
  });
  clock.advance(30_000);
  expect(state()).toBe('Disabled');
  queue.send('left');
  expect(await lambda.eventSources.change(uuid, { Enabled: true })).toMatchObject({ state: 'Enabling' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(queue.receiveCounts()).toEqual([0]);
  clock.advance(30_000);
  expect(state()).toBe('Enabled');
  await expect.poll(queue.ids, PATIENCE).toEqual([]);
});

test.each(QUEUE_ACTIONS)('a mapping is refused if the role lacks %s', async (missing) => {
  const { map, putRole } = await start('');
  putRole([allowOnQueue(QUEUE_ACTIONS.filter((action) => action !== missing))]);
  const action = missing.replace('sqs:', '');
  await expect(map()).rejects.toThrow(`does not have permissions to call ${action} on SQS`);
});

test("a mapping is refused if the visibility timeout is shorter than the function's timeout", async () => {
  const { map } = await start('', { visibilitySeconds: 30, function: { Timeout: 31 } });
  await expect(map()).rejects.toThrow(
    'Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds',
  );
});

test('a second mapping of the same queue and function is refused', async () => {
  const { map } = await start('');
  await map();
  await expect(map()).rejects.toMatchObject({ code: 'ResourceConflictException' });
});

test.each([
  [{ FilterCriteria: { Filters: [] } }, /FilterCriteria/],
  [{ BatchSize: 11 }, /Maximum batch window in seconds must be greater than 0/],
  [{ ScalingConfig: { MaximumConcurrency: 1 } }, /MaximumConcurrency/],
  [{ FunctionName: 'unknown' }, /Function not found: unknown/],
])('a mapping with %j is refused', async (properties, message) => {
  const { map } = await start('');
  await expect(map(properties)).rejects.toThrow(message);
});
