import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { canonicalUserId } from '../../src/s3/protocol/canonical-user.ts';
import { codeOf, REGION, SOURCE, startHarness, type Harness } from './harness.ts';

const MiB = 1024 ** 2;
const Bucket = 'multipart';
let harness: Harness;
/** Sends no checksums of its own accord. */
let client: S3Client;
let keys = 0;
let Key = '';

beforeAll(async () => {
  harness = await startHarness();
  harness.s3.createBucket({ name: Bucket, accountId: SOURCE, region: REGION });
  client = harness.clientOf(SOURCE, {
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
});
afterAll(() => harness.close());
beforeEach(() => {
  keys += 1;
  Key = `key-${keys}`;
});

const create = async (more: object = {}) =>
  (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? '';
const upload = async (
  UploadId: string,
  PartNumber: number,
  Body: Buffer,
  more: object = {},
): Promise<CompletedPart> => {
  const answer = await client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }),
  );
  const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = answer;
  return { PartNumber, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
};
const complete = (UploadId: string, Parts: CompletedPart[], more: object = {}) =>
  client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
  );
const head = (more: object = {}) => client.send(new HeadObjectCommand({ Bucket, Key, ...more }));
const base64Crc32 = (bytes: Buffer) => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString('base64');
};

describe('an upload', () => {
  test('of three parts is the object made of them, with the MD5 of the MD5s and their number as its ETag', async () => {
    const bodies = [randomBytes(5 * MiB), randomBytes(6 * MiB), randomBytes(10)];
    const id = await create({ Metadata: { a: 'b' }, ContentType: 'text/x' });
    const parts = [];
    for (const [index, body] of bodies.entries()) parts.push(await upload(id, index + 1, body));
    const done = await complete(id, parts);
    const md5s = bodies.map((body) => createHash('md5').update(body).digest());
    expect(done.ETag).toBe(`"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-3"`);
    const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(answer).toMatchObject({ Metadata: { a: 'b' }, ContentType: 'text/x', ETag: done.ETag });
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat(bodies))).toBe(true);
  });

  test('keeps part boundaries: partNumber answers one part, with the count of all', async () => {
    const id = await create();
    const second = Buffer.from('second part');
    const parts = [await upload(id, 2, Buffer.alloc(5 * MiB)), await upload(id, 7, second)];
    await complete(id, parts);
    expect(await head({ PartNumber: 1 })).toMatchObject({ PartsCount: 2, ContentLength: 5 * MiB });
    const answer = await client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2 }));
    expect(answer).toMatchObject({
      PartsCount: 2,
      ContentRange: `bytes ${5 * MiB}-${5 * MiB + 10}/${5 * MiB + 11}`,
    });
    expect(await answer.Body?.transformToString()).toBe('second part');
    expect((await head()).PartsCount).toBeUndefined();
    expect(await codeOf(head({ PartNumber: 3 }))).toBe('416');
  });

  test('may name fewer parts than were uploaded, and the others leave the disk', async () => {
    const before = readdirSync(harness.directory).length;
    const id = await create();
    const first = await upload(id, 1, randomBytes(5 * MiB));
    await upload(id, 2, randomBytes(5 * MiB));
    const third = await upload(id, 3, Buffer.from('third'));
    await complete(id, [first, third]);
    expect((await head()).ContentLength).toBe(5 * MiB + 5);
    await expect.poll(() => readdirSync(harness.directory).length).toBe(before + 1);
  });

  test('takes the last of several uploads of one part number', async () => {
    const id = await create();
    await upload(id, 1, Buffer.from('first try'));
    const part = await upload(id, 1, Buffer.from('second try'));
    await complete(id, [part]);
    const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(await answer.Body?.transformToString()).toBe('second try');
  });

  test('is dated from its initiation', async () => {
    const id = await create();
    const initiated = harness.clock.nowMs;
    harness.clock.nowMs += 3_600_000;
    await complete(id, [await upload(id, 1, Buffer.from('x'))]);
    expect((await head()).LastModified?.getTime()).toBe(initiated);
  });
});

describe('a completion', () => {
  test('with a part under 5 MiB that is not the last is EntityTooSmall', async () => {
    const id = await create();
    const parts = [await upload(id, 1, Buffer.alloc(5 * MiB - 1)), await upload(id, 2, Buffer.alloc(1))];
    expect(await codeOf(complete(id, parts))).toBe('EntityTooSmall');
  });

  test('with parts out of order or twice is InvalidPartOrder', async () => {
    const id = await create();
    const [one, two] = [await upload(id, 1, Buffer.alloc(5 * MiB)), await upload(id, 2, Buffer.alloc(1))];
    expect(await codeOf(complete(id, [two, one]))).toBe('InvalidPartOrder');
    expect(await codeOf(complete(id, [one, one]))).toBe('InvalidPartOrder');
  });

  test('with a part that is not there or has another ETag is InvalidPart', async () => {
    const id = await create();
    const one = await upload(id, 1, Buffer.alloc(1));
    expect(await codeOf(complete(id, [{ ...one, PartNumber: 2 }]))).toBe('InvalidPart');
    expect(await codeOf(complete(id, [{ ...one, ETag: '"0"' }]))).toBe('InvalidPart');
  });

  test('without parts is MalformedXML, and of an unknown upload NoSuchUpload', async () => {
    expect(await codeOf(complete(await create(), []))).not.toBe('no error');
    const part = { PartNumber: 1, ETag: '"x"' };
    expect(await codeOf(complete('unknown', [part]))).toBe('NoSuchUpload');
  });

  test('sent again is answered again, even after the object was replaced, and another one is NoSuchUpload', async () => {
    const id = await create();
    const part = await upload(id, 1, Buffer.from('once'));
    const first = await complete(id, [part]);
    const second = await complete(id, [part]);
    expect(second.ETag).toBe(first.ETag);
    expect(await codeOf(complete(id, [{ ...part, PartNumber: 2 }]))).toBe('NoSuchUpload');
    expect(await codeOf(upload(id, 1, Buffer.from('x')))).toBe('NoSuchUpload');
  });

  test('that expects another size is refused', async () => {
    const id = await create();
    const part = await upload(id, 1, Buffer.from('1234'));
    expect(await codeOf(complete(id, [part], { MpuObjectSize: 5 }))).toBe('InvalidRequest');
    await complete(id, [part], { MpuObjectSize: 4 });
  });
});

describe('an abort', () => {
  test('forgets the upload and its bytes', async () => {
    const before = readdirSync(harness.directory).length;
    const UploadId = await create();
    const part = await upload(UploadId, 1, randomBytes(MiB));
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    expect(await codeOf(complete(UploadId, [part]))).toBe('NoSuchUpload');
    expect(await codeOf(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))).toBe(
      'NoSuchUpload',
    );
    await expect.poll(() => readdirSync(harness.directory).length).toBe(before);
  });
});

describe('listings', () => {
  test('parts are listed in order and paged', async () => {
    const UploadId = await create();
    for (const number of [3, 1, 10]) await upload(UploadId, number, Buffer.alloc(number));
    const first = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }));
    expect(first.Parts?.map((part) => [part.PartNumber, part.Size])).toEqual([
      [1, 1],
      [3, 3],
    ]);
    expect(first.IsTruncated).toBe(true);
    const second = await client.send(
      new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: first.NextPartNumberMarker }),
    );
    expect(second.Parts?.map((part) => part.PartNumber)).toEqual([10]);
    expect(second.IsTruncated).toBe(false);
  });

  test('name the account that began the upload by its canonical id, an upload in both lists alike', async () => {
    const UploadId = await create();
    const { Initiator: initiator } = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    expect(initiator?.ID).toBe(canonicalUserId(SOURCE));
    expect(Uploads?.find((one) => one.UploadId === UploadId)?.Initiator).toEqual(initiator);
  });

  test('uploads are listed by key, then by age, and paged by both markers', async () => {
    harness.s3.createBucket({ name: 'uploads', accountId: SOURCE, region: REGION });
    const ids: string[] = [];
    for (const key of ['b', 'a/1', 'a/2', 'b']) {
      harness.clock.nowMs += 1000;
      const { UploadId = '' } = await client.send(
        new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: key }),
      );
      ids.push(UploadId);
    }
    const list = (more: object) =>
      client.send(new ListMultipartUploadsCommand({ Bucket: 'uploads', ...more }));
    const all = await list({});
    expect(all.Uploads?.map((one) => one.UploadId)).toEqual([ids[1], ids[2], ids[0], ids[3]]);
    const page = await list({ MaxUploads: 2 });
    expect(page).toMatchObject({ IsTruncated: true, NextKeyMarker: 'a/2', NextUploadIdMarker: ids[2] });
    const rest = await list({ KeyMarker: 'a/2', UploadIdMarker: ids[2] });
    expect(rest.Uploads?.map((one) => one.Key)).toEqual(['b', 'b']);
    const rolled = await list({ Delimiter: '/' });
    expect(rolled.CommonPrefixes).toEqual([{ Prefix: 'a/' }]);
    // The markers are of the last upload, also on the last page; a page of prefixes alone has none.
    expect(rest).toMatchObject({ IsTruncated: false, NextKeyMarker: 'b', NextUploadIdMarker: ids[3] });
    const prefixes = await list({ Delimiter: '/', MaxUploads: 1 });
    expect(prefixes).toMatchObject({ IsTruncated: true, NextKeyMarker: '', NextUploadIdMarker: '' });
    expect((await list({ Delimiter: '/', KeyMarker: 'a/' })).Uploads).toHaveLength(2);
  });

  test('an upload id marker of another key is refused', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: 'c' }));
    const listing = new ListMultipartUploadsCommand({
      Bucket: 'uploads',
      KeyMarker: 'a/1',
      UploadIdMarker: UploadId,
    });
    await expect(client.send(listing)).rejects.toThrow('Invalid uploadId marker');
  });
});

describe('checksums of an upload', () => {
  const bodies = [randomBytes(5 * MiB), randomBytes(123_457)] as const;
  const whole = Buffer.concat(bodies);

  const both = async (id: string, more: (body: Buffer) => object = () => ({})) => [
    await upload(id, 1, bodies[0], more(bodies[0])),
    await upload(id, 2, bodies[1], more(bodies[1])),
  ];

  test('without an algorithm it is a full-object CRC64NVME, and the parts have none of their own', async () => {
    const id = await create();
    const done = await complete(id, await both(id));
    expect(done.ChecksumType).toBe('FULL_OBJECT');
    expect(done.ChecksumCRC64NVME).toBeDefined();
    const attributes = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts', 'Checksum', 'ETag'] }),
    );
    expect(attributes.ObjectParts).toEqual({ TotalPartsCount: 2 });
    expect(attributes.Checksum?.ChecksumCRC64NVME).toBe(done.ChecksumCRC64NVME);
    expect(`"${attributes.ETag}"`).toBe(done.ETag);
    expect((await head({ PartNumber: 1, ChecksumMode: 'ENABLED' })).ChecksumCRC64NVME).toBeUndefined();
  });

  test('a composite SHA-256 is the hash of the hashes, and each part keeps its own', async () => {
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
    const id = await create({ ChecksumAlgorithm: 'SHA256' });
    const parts = await both(id, (body) => ({ ChecksumSHA256: sha(body).toString('base64') }));
    const composite = `${sha(Buffer.concat(bodies.map(sha))).toString('base64')}-2`;
    expect(
      await codeOf(complete(id, parts, { ChecksumSHA256: sha(Buffer.alloc(1)).toString('base64') })),
    ).toBe('BadDigest');
    const done = await complete(id, parts, { ChecksumSHA256: composite });
    expect(done).toMatchObject({ ChecksumSHA256: composite, ChecksumType: 'COMPOSITE' });
    expect(await head({ ChecksumMode: 'ENABLED' })).toMatchObject({ ChecksumSHA256: composite });
    expect((await head()).ChecksumSHA256).toBeUndefined();
    expect((await head({ PartNumber: 2, ChecksumMode: 'ENABLED' })).ChecksumSHA256).toBe(
      sha(bodies[1]).toString('base64'),
    );
    const attributes = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts'], MaxParts: 1 }),
    );
    expect(attributes.ObjectParts).toMatchObject({
      TotalPartsCount: 2,
      IsTruncated: true,
      NextPartNumberMarker: '1',
      Parts: [{ PartNumber: 1, Size: 5 * MiB, ChecksumSHA256: sha(bodies[0]).toString('base64') }],
    });
  });

  test('a full-object CRC32 is had by combining the parts, and a wrong expectation is refused', async () => {
    const id = await create({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    const parts = await both(id);
    expect(
      await codeOf(
        complete(id, parts, { ChecksumType: 'FULL_OBJECT', ChecksumCRC32: base64Crc32(bodies[0]) }),
      ),
    ).toBe('BadDigest');
    const expected = base64Crc32(whole);
    const done = await complete(id, parts, { ChecksumType: 'FULL_OBJECT', ChecksumCRC32: expected });
    expect(done).toMatchObject({ ChecksumCRC32: expected, ChecksumType: 'FULL_OBJECT' });
    expect((await head({ PartNumber: 1, ChecksumMode: 'ENABLED' })).ChecksumCRC32).toBeUndefined();
  });

  test('a composite upload needs the checksum with every part and again at the end', async () => {
    const id = await create({ ChecksumAlgorithm: 'CRC32' });
    expect(await codeOf(upload(id, 1, bodies[0]))).toBe('InvalidRequest');
    const part = await upload(id, 1, bodies[0], { ChecksumCRC32: base64Crc32(bodies[0]) });
    expect(await codeOf(complete(id, [{ PartNumber: 1, ETag: part.ETag }]))).toBe('InvalidRequest');
    expect(await codeOf(complete(id, [{ ...part, ChecksumCRC32: 'AAAAAA==' }]))).toBe('InvalidPart');
    await complete(id, [part]);
  });

  test('a part with a checksum of another algorithm than the upload was created with is refused', async () => {
    const sha = await create({ ChecksumAlgorithm: 'SHA256' });
    const body = Buffer.from('x');
    expect(await codeOf(upload(sha, 1, body, { ChecksumCRC32: base64Crc32(body) }))).toBe('InvalidRequest');
  });

  test('an upload created without an algorithm takes parts with one, and has to be told again at the end', async () => {
    const id = await create();
    const body = Buffer.from('x');
    const part = await upload(id, 1, body, { ChecksumCRC32: base64Crc32(body) });
    expect(part.ChecksumCRC32).toBe(base64Crc32(body));
    expect(await codeOf(complete(id, [{ PartNumber: 1, ETag: part.ETag }]))).toBe('InvalidPart');
    expect((await complete(id, [part])).ChecksumType).toBe('FULL_OBJECT');
  });

  test('types that an algorithm does not have are refused when the upload is created', async () => {
    for (const [ChecksumAlgorithm, ChecksumType] of [
      ['SHA256', 'FULL_OBJECT'],
      ['CRC64NVME', 'COMPOSITE'],
    ])
      expect(await codeOf(create({ ChecksumAlgorithm, ChecksumType }))).toBe('InvalidRequest');
    expect(await codeOf(create({ ChecksumType: 'FULL_OBJECT' }))).toBe('InvalidRequest');
  });

  test('a completion must use the type the upload was created with', async () => {
    const id = await create({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    expect(await codeOf(complete(id, await both(id), { ChecksumType: 'COMPOSITE' }))).toBe('InvalidRequest');
  });
});

describe('UploadPartCopy', () => {
  test('makes a part of a range of another object', async () => {
    const source = randomBytes(7 * MiB);
    const sourceKey = Key;
    const sourceId = await create();
    await complete(sourceId, [await upload(sourceId, 1, source)]);
    Key = `${sourceKey}-copy`;
    const UploadId = await create();
    const copy = async (PartNumber: number, CopySourceRange: string) => {
      const { CopyPartResult } = await client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key,
          UploadId,
          PartNumber,
          CopySource: `${Bucket}/${sourceKey}`,
          CopySourceRange,
        }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    expect(await codeOf(copy(1, `bytes=0-${7 * MiB}`))).toBe('InvalidArgument');
    const parts = [await copy(1, `bytes=100-${6 * MiB}`), await copy(2, 'bytes=0-99')];
    await complete(UploadId, parts);
    const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat([source.subarray(100, 6 * MiB + 1), source.subarray(0, 100)]))).toBe(
      true,
    );
  });
});
