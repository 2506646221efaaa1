import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { clientConfig } from '../../src/start/client-config.ts';
import type { Fault } from '../../src/core/fault.ts';
import { createFaultPlan, type RuledFaultPlan } from '../../src/faults/fault-plan.ts';
import type { FaultRule } from '../../src/faults/fault-rule.ts';
import { ACCOUNT, BUCKET, type Stand, startStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await startStand();
});
afterAll(() => stand.stop());
afterEach(() => {
  stand.aws.faults.plan = undefined;
});

const install = (...rules: FaultRule[]): RuledFaultPlan => {
  const plan = createFaultPlan({ rules, clock: stand.aws.clock });
  stand.aws.faults.plan = plan;
  return plan;
};
const put = (Key: string, Body: string | Buffer = 'body') =>
  stand.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
const exists = async (Key: string): Promise<boolean> => {
  stand.aws.faults.plan = undefined;
  const found = await stand.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key })).catch(() => null);
  return found !== null;
};
const failure = async (promise: Promise<unknown>): Promise<{ name: string; status?: number }> => {
  const error = await promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (thrown: unknown) => thrown,
  );
  const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
  return { name, ...($metadata?.httpStatusCode !== undefined && { status: $metadata.httpStatusCode }) };
};

test.each<[Fault, string, { name: string; status: number }]>([
  [{ kind: 'throttle' }, 's3', { name: 'SlowDown', status: 503 }],
  [{ kind: 'throttle', by: 'kms' }, 's3', { name: 'SlowDown', status: 503 }],
  [{ kind: 'throttle' }, 'sqs', { name: 'RequestThrottled', status: 403 }],
  [{ kind: 'throttle' }, 'sts', { name: 'Throttling', status: 400 }],
  [{ kind: 'throttle' }, 'dynamodb', { name: 'ProvisionedThroughputExceededException', status: 400 }],
  [{ kind: 'expired-credentials' }, 's3', { name: 'ExpiredToken', status: 400 }],
  [{ kind: 'expired-credentials' }, 'sqs', { name: 'ExpiredToken', status: 400 }],
  [{ kind: 'expired-credentials' }, 'sts', { name: 'ExpiredToken', status: 403 }],
  [{ kind: 'expired-credentials' }, 'dynamodb', { name: 'ExpiredTokenException', status: 400 }],
  [{ kind: 'error', status: 500, code: 'InternalError' }, 's3', { name: 'InternalError', status: 500 }],
  [
    { kind: 'error', status: 400, code: 'ThrottlingException' },
    'dynamodb',
    { name: 'ThrottlingException', status: 400 },
  ],
])('the fault %o is worded by %s in its own way', async (fault, service, expected) => {
  const plan = install({ operation: `${service}:*`, fault });
  const calls: Record<string, () => Promise<unknown>> = {
    s3: () => put('worded'),
    sqs: () => stand.sqs.send(new SendMessageCommand({ QueueUrl: stand.queueUrl, MessageBody: 'x' })),
    sts: () => stand.sts.send(new GetCallerIdentityCommand({})),
    dynamodb: () => stand.dynamodb.send(new PutItemCommand({ TableName: 'table', Item: { id: { S: '1' } } })),
  };
  expect(await failure(calls[service]?.() ?? Promise.resolve())).toEqual(expected);
  expect(plan.injected()).toHaveLength(1);
});

test('a request is cut before or after its effect', async () => {
  install({ operation: 's3:PutObject', key: 'before', fault: { kind: 'reset-before' } });
  expect(await failure(put('before'))).not.toHaveProperty('status');
  expect(await exists('before')).toBe(false);
  install({ operation: 's3:PutObject', key: 'after', fault: { kind: 'reset-after' } });
  expect(await failure(put('after'))).not.toHaveProperty('status');
  expect(await exists('after')).toBe(true);
});

test('a request whose answer is lost takes effect', async () => {
  const plan = install({ operation: 's3:PutObject', fault: { kind: 'lose-answer' } });
  const controller = new AbortController();
  const outcome = failure(
    stand.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'lost', Body: 'x' }), {
      abortSignal: controller.signal,
    }),
  );
  while (plan.count('lose-answer') === 0 || !(await exists('lost')))
    await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort();
  expect(await outcome).toEqual({ name: 'AbortError' });
});

test('an upload whose body is cut stores nothing', async () => {
  const plan = install({
    operation: 's3:PutObject',
    key: 'cut*',
    fault: { kind: 'truncate-request', afterBytes: 150_000 },
  });
  expect(await failure(put('cut short', Buffer.alloc(400_000)))).not.toHaveProperty('status');
  await put('cut not, being smaller', Buffer.alloc(100_000));
  expect(plan.count('truncate-request')).toBe(2);
  expect(await exists('cut short')).toBe(false);
  expect(await exists('cut not, being smaller')).toBe(true);
});

test('slow bodies in both directions arrive whole', async () => {
  install(
    { operation: 's3:PutObject', fault: { kind: 'slow-request', bytesPerSecond: 1_000_000 } },
    { operation: 's3:GetObject', fault: { kind: 'slow-answer', bytesPerSecond: 1_000_000 } },
    { operation: 's3:HeadObject', fault: { kind: 'delay', byMs: 20 } },
  );
  const body = Buffer.from(Array.from({ length: 150_000 }, (_, index) => index % 251));
  await put('slow', body);
  const answer = await stand.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'slow' }));
  expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  await stand.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'slow' }));
});

test('an answer is cut at the byte that the rule names, however large the body', async () => {
  const body = Buffer.alloc(2_000_000, 'abc');
  await put('large', body);
  install({ operation: 's3:GetObject', fault: { kind: 'truncate', afterBytes: 1_500_000 } });
  const answer = await stand.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'large' }));
  let receivedBytes = 0;
  const reading = (async () => {
    for await (const chunk of answer.Body as AsyncIterable<Buffer>) receivedBytes += chunk.length;
  })();
  await expect(reading).rejects.toThrow('aborted');
  expect(receivedBytes).toBeLessThanOrEqual(1_500_000);
});

test('a request is refused as skewed, and the SDK corrects its clock from the answer', async () => {
  const client = new S3Client(clientConfig(stand.aws, stand.aws.root(ACCOUNT), { tls: false }));
  const plan = install({
    operation: 's3:PutObject',
    key: 'skewed',
    fault: { kind: 'clock-skew', aheadMs: 3_600_000 },
  });
  // The service refuses the first attempt. The SDK then corrects its clock and signs the second attempt an
  // hour ahead, which the skewed clock accepts.
  const { $metadata } = await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'skewed', Body: 'x' }));
  expect($metadata.attempts).toBe(2);
  expect(plan.count('clock-skew')).toBe(2);
  client.destroy();
});

test('fault rules distinguish operations by their exact names and callers by their ARNs', async () => {
  const operations: string[] = [];
  stand.aws.faults.plan = (request) => {
    operations.push(request.operation ?? '');
    return undefined;
  };
  await put('named');
  const upload = await stand.s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'named' }));
  await stand.s3.send(
    new UploadPartCommand({
      Bucket: BUCKET,
      Key: 'named',
      UploadId: upload.UploadId,
      PartNumber: 1,
      Body: 'part',
    }),
  );
  await stand.sts.send(new GetCallerIdentityCommand({}));
  expect(operations).toEqual([
    's3:PutObject',
    's3:CreateMultipartUpload',
    's3:UploadPart',
    'sts:GetCallerIdentity',
  ]);
  const plan = install({ operation: 's3:PutObject', caller: 'arn:aws:iam::2*', fault: { kind: 'throttle' } });
  await put('named');
  expect(plan.injected()).toEqual([]);
});
