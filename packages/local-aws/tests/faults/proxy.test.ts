import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PurgeQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createFaultPlan, type RuledFaultPlan } from '../../src/faults/fault-plan.ts';
import { type FaultProxy, startFaultProxy } from '../../src/faults/fault-proxy.ts';
import type { FaultRule } from '../../src/faults/fault-rule.ts';
import { parseFaultRules } from '../../src/faults/rule-file.ts';
import { ACCOUNT, BUCKET, type Stand, startStand } from './stand.ts';

let stand: Stand;
const open: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  stand = await startStand();
});
afterAll(() => stand.stop());
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const start = async (
  rules: FaultRule[],
  target: 'http' | 'https' = 'http',
): Promise<{ proxy: FaultProxy; plan: RuledFaultPlan }> => {
  const plan = createFaultPlan({ rules });
  const proxy = await startFaultProxy({
    target: target === 'http' ? stand.aws.httpEndpoint : stand.aws.endpoint,
    targetCa: stand.aws.caPem,
    plan,
  });
  open.push(proxy);
  return { proxy, plan };
};

const clientOptions = (endpoint: string, caPem?: string) => ({
  endpoint,
  region: stand.aws.region,
  credentials: stand.aws.root(ACCOUNT),
  forcePathStyle: true,
  maxAttempts: 1,
  ...(caPem !== undefined && { requestHandler: { httpsAgent: new Agent({ ca: caPem }) } }),
});

test.each([
  ['http', 'http'],
  ['http', 'https'],
  ['https', 'http'],
  ['https', 'https'],
] as const)('signed requests pass through the proxy unchanged from %s to %s', async (front, target) => {
  const { proxy } = await start([], target);
  const s3 = new S3Client(
    clientOptions(front === 'http' ? proxy.httpEndpoint : proxy.httpsEndpoint, proxy.caPem),
  );
  const body = Buffer.alloc(3_000_000, 'proxied ');
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `a b/ü+${front}`, Body: body }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: `a b/ü+${front}` }));
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  s3.destroy();
});

test('the proxy passes and fails requests of the other protocols as well', async () => {
  const { proxy, plan } = await start([
    { operation: 'sqs:SendMessage', after: 1, times: 1, fault: { kind: 'throttle' } },
  ]);
  const sqs = new SQSClient(clientOptions(proxy.httpEndpoint));
  const send = () => sqs.send(new SendMessageCommand({ QueueUrl: stand.queueUrl, MessageBody: 'x' }));
  expect((await send()).MessageId).toBeDefined();
  await expect(send()).rejects.toMatchObject({ name: 'RequestThrottled' });
  expect(plan.injected()).toHaveLength(1);
  sqs.destroy();
});

test('a message whose sending is not answered is sent again and arrives twice', async () => {
  const { proxy, plan } = await start([
    { operation: 'sqs:SendMessage', times: 1, fault: { kind: 'reset-after' } },
  ]);
  const sqs = new SQSClient({ ...clientOptions(proxy.httpEndpoint), maxAttempts: 2 });
  await stand.sqs.send(new PurgeQueueCommand({ QueueUrl: stand.queueUrl }));
  await sqs.send(new SendMessageCommand({ QueueUrl: stand.queueUrl, MessageBody: 'doubled' }));
  sqs.destroy();
  expect(plan.count('reset-after')).toBe(1);
  const receive = new ReceiveMessageCommand({ QueueUrl: stand.queueUrl, MaxNumberOfMessages: 10 });
  const { Messages: messages = [] } = await stand.sqs.send(receive);
  expect(messages.map(({ Body: body }) => body)).toEqual(['doubled', 'doubled']);
});

test('the proxy cuts requests before and after their effect, and bodies in both directions', async () => {
  const { proxy } = await start([
    { operation: 's3:PutObject', key: 'before', fault: { kind: 'reset-before' } },
    { operation: 's3:PutObject', key: 'after', fault: { kind: 'reset-after' } },
    { operation: 's3:PutObject', key: 'half', fault: { kind: 'truncate-request', afterBytes: 100_000 } },
    { operation: 's3:GetObject', key: 'after', fault: { kind: 'truncate', afterBytes: 100_000 } },
    { operation: 's3:PutObject', key: 'skewed', fault: { kind: 'clock-skew', aheadMs: -3_600_000 } },
  ]);
  const s3 = new S3Client(clientOptions(proxy.httpEndpoint));
  const put = (Key: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Buffer.alloc(400_000) })).then(
      () => 'done',
      (error: Error) => error.name,
    );
  for (const key of ['before', 'after', 'half']) expect(await put(key)).not.toBe('done');
  const stored = async (Key: string): Promise<boolean> =>
    stand.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key })).then(
      async ({ Body }) => (await Body?.transformToByteArray())?.length === 400_000,
      () => false,
    );
  expect(await Promise.all(['before', 'after', 'half'].map(stored))).toEqual([false, true, false]);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'after' }));
  await expect(Body?.transformToByteArray()).rejects.toThrow('aborted');
  // This must be the last call, because the SDK then adopts the skewed clock, with which the target refuses
  // requests.
  expect(await put('skewed')).toBe('RequestTimeTooSkewed');
  s3.destroy();
});

test('the proxy command reads rules from a file, serves until it is stopped, and reports what it injected', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fault-proxy-'));
  const rules = join(folder, 'rules.json');
  await writeFile(
    rules,
    JSON.stringify([{ name: 'busy', operation: 's3:PutObject', times: 1, fault: { kind: 'throttle' } }]),
  );
  const script = new URL('../../src/cli/fault-proxy.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [
    script,
    `--target=${stand.aws.httpEndpoint}`,
    `--rules=${rules}`,
    '--seed=9',
  ]);
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const [endpoint]: string[] = await once(createInterface(child.stdout), 'line');
  const s3 = new S3Client({ ...clientOptions(endpoint ?? ''), maxAttempts: 2 });
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'by command', Body: 'x' }));
  s3.destroy();
  child.kill('SIGTERM');
  const [exitCode]: number[] = await once(child, 'close');
  await rm(folder, { recursive: true });
  expect(exitCode).toBe(0);
  expect(told).toContain('fault plan, seed 9\n  1× busy');
});

test('a rule file can hold every kind of rule', () => {
  const text = JSON.stringify({
    rules: [
      { operation: 's3:GetObject', fault: { kind: 'slow-answer', bytesPerSecond: 1000 }, every: 2 },
      { queue: 'live', fault: { kind: 'shuffle' } },
      { function: 'f', fault: { kind: 'time-out-invocation', afterMs: 5 }, probability: 0.5 },
    ],
  });
  expect(parseFaultRules(text)).toHaveLength(3);
});

test.each([
  ['not JSON', '{'],
  ['an unknown fault', '[{"operation":"*","fault":{"kind":"explode"}}]'],
  ['a misspelt condition', '[{"operation":"*","bukket":"b","fault":{"kind":"throttle"}}]'],
  ['a fault of messages for requests', '[{"operation":"*","fault":{"kind":"shuffle"}}]'],
])('a rule file with %s is refused', (_what, text) => {
  expect(() => parseFaultRules(text)).toThrow(TypeError);
});
