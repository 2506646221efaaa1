/** Uploads whose bodies are written to files while they arrive. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHasher } from '../../src/s3/storage/checksums.ts';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const Bucket = 'large';
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
});
afterAll(() => harness.close());

const md5 = (body: Buffer): Buffer => createHash('md5').update(body).digest();
const crc64 = (body: Buffer): string => {
  const hasher = createHasher('CRC64NVME');
  hasher.update(body);
  return hasher.digest().toString('base64');
};
const read = async (Key: string): Promise<Buffer> => {
  const { Body } = await harness.client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};

// Sizes around the limit for bodies in memory (64 KiB) and around the size of one write to a file (256 KiB).
// The largest need several writes.
test.each([
  64 * KIB - 1,
  64 * KIB,
  64 * KIB + 1,
  256 * KIB - 1,
  256 * KIB,
  256 * KIB + 1,
  MIB,
  5 * MIB + 12_345,
])('an object of %i bytes is stored with its digests and refused with wrong ones', async (sizeBytes) => {
  const Body = randomBytes(sizeBytes);
  const Key = `of ${sizeBytes}`;
  const put = (more: object) => harness.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  expect(
    await put({ ContentMD5: md5(Body).toString('base64'), ChecksumAlgorithm: 'CRC64NVME' }),
  ).toMatchObject({
    ETag: `"${md5(Body).toString('hex')}"`,
    ChecksumCRC64NVME: crc64(Body),
  });
  expect((await read(Key)).equals(Body)).toBe(true);
  for (const wrong of [
    { ContentMD5: md5(Buffer.from('other')).toString('base64') },
    { ChecksumSHA256: createHash('sha256').update('other').digest('base64') },
  ])
    expect(await codeOf(put(wrong))).toBe('BadDigest');
});

test('parts that are uploaded concurrently become one object', async () => {
  const upload = { Bucket, Key: 'parts' };
  const { UploadId } = await harness.client.send(new CreateMultipartUploadCommand(upload));
  const bodies = Array.from({ length: 16 }, () => randomBytes(5 * MIB));
  const parts = await Promise.all(
    bodies.map(async (Body, index) => {
      const part = { ...upload, UploadId, PartNumber: index + 1 };
      const answer = await harness.client.send(new UploadPartCommand({ ...part, Body }));
      expect(answer.ETag).toBe(`"${md5(Body).toString('hex')}"`);
      return { PartNumber: index + 1, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32 };
    }),
  );
  const complete = { ...upload, UploadId, MultipartUpload: { Parts: parts } };
  const { ChecksumCRC64NVME: checksum } = await harness.client.send(
    new CompleteMultipartUploadCommand(complete),
  );
  const whole = Buffer.concat(bodies);
  expect(checksum).toBe(crc64(whole));
  expect((await read('parts')).equals(whole)).toBe(true);
});

test('an upload whose connection breaks leaves no file', async () => {
  const before = readdirSync(harness.directory, { recursive: true }).length;
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIA${SOURCE}/20261122/${REGION}/s3/aws4_request, SignedHeaders=host, Signature=0`;
  const broken = request(`${harness.endpoint}/${Bucket}/broken`, {
    method: 'PUT',
    headers: { authorization, 'content-length': 20 * MIB, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  });
  broken.on('error', () => undefined);
  broken.write(Buffer.alloc(10 * MIB));
  await expect.poll(() => readdirSync(harness.directory, { recursive: true }).length).toBe(before + 1);
  broken.destroy();
  await expect.poll(() => readdirSync(harness.directory, { recursive: true }).length).toBe(before);
});

test('concurrent uploads do not mix their bytes', async () => {
  const bodies = Array.from({ length: 24 }, () => randomBytes(700 * KIB));
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(
      bodies.map((Body, index) =>
        harness.client.send(new PutObjectCommand({ Bucket, Key: `${round}-${index}`, Body })),
      ),
    );
  }
  for (const [index, body] of bodies.entries()) expect((await read(`1-${index}`)).equals(body)).toBe(true);
});
