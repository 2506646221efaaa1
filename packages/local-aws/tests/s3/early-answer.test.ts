/** Source: API_CopyObject.html: "A 200 OK response can contain either a success or an error." */
import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

let harness: Harness;
const Bucket = 'slow';
const bytes = randomBytes(12_000_000);

beforeAll(async () => {
  harness = await startHarness({ earlyAnswerAfterMs: 0 });
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  await harness.client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: bytes }));
});
afterAll(() => harness.close());

/** Copies the source and requests a SHA-256. The source has none, so S3 must read all of it. */
const copy = (Key: string, more: object = {}) =>
  harness.client.send(
    new CopyObjectCommand({
      Bucket,
      Key,
      CopySource: `${Bucket}/source`,
      ChecksumAlgorithm: 'SHA256',
      ...more,
    }),
  );

test('a slow copy is answered with 200 first and with its result later', async () => {
  const answer = await copy('copy');
  expect(answer.CopyObjectResult?.ETag).toBeDefined();
  const read = await harness.client.send(new GetObjectCommand({ Bucket, Key: 'copy' }));
  expect((await read.Body?.transformToByteArray())?.length).toBe(bytes.length);
});

test('an error after an early 200 is in its body, and the SDK throws it', async () => {
  await copy('there');
  expect(await codeOf(copy('there', { IfNoneMatch: '*' }))).toBe('PreconditionFailed');
  const raw = await harness.raw('PUT', `/${Bucket}/there`, {
    headers: {
      'x-amz-copy-source': `${Bucket}/source`,
      'x-amz-checksum-algorithm': 'SHA256',
      'if-none-match': '*',
    },
  });
  expect(raw.status).toBe(200);
  expect(raw.body).toMatch(/^<\?xml[^>]*>\s*<Error><Code>PreconditionFailed<\/Code>/);
});

test('a part copied into an upload that was aborted meanwhile is a NoSuchUpload error', async () => {
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
  const path = `/${Bucket}/parts?partNumber=1&uploadId=${UploadId}`;
  const pending = harness.raw('PUT', path, { headers: { 'x-amz-copy-source': `${Bucket}/source` } });
  await expect
    .poll(async () => {
      const abort = new AbortMultipartUploadCommand({ Bucket, Key: 'parts', UploadId });
      return codeOf(harness.client.send(abort));
    })
    .toBe('NoSuchUpload');
  const raw = await pending;
  expect([200, 404]).toContain(raw.status);
  expect(raw.body).toContain('NoSuchUpload');
});

test('an error of a copy that is known at once keeps its own status', async () => {
  expect(await codeOf(copy('nothing', { CopySource: `${Bucket}/none` }))).toBe('NoSuchKey');
});
