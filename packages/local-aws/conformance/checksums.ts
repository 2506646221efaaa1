/** Behaviours of additional checksums: S3 stores them, returns them, and refuses wrong ones. */
import { hash } from 'node:crypto';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { refused, same } from './difference.ts';
import { INTEGRITY, head } from './head-with-checksum.ts';

/**
 * Digests of the nine bytes `123456789`. The CRCs are the check values in the CRC catalogue. The xxHash
 * values were calculated by another implementation than the one in the local S3.
 */
const CHECK = {
  CRC32: 'y/Q5Jg==',
  CRC32C: '4waSgw==',
  CRC64NVME: 'rosUhgp5mIg=',
  SHA1: hash('sha1', '123456789', 'base64'),
  SHA256: hash('sha256', '123456789', 'base64'),
  SHA512: hash('sha512', '123456789', 'base64'),
  MD5: hash('md5', '123456789', 'base64'),
  XXHASH64: 'jLhB20DmroM=',
  XXHASH3: 'ctyxi2ehff8=',
  XXHASH128: 'MxGUd+3l3NXpcWQnaB1YYA==',
} as const;

export const everyAlgorithmIsStored = behaviour(
  'PutObject stores a checksum of each algorithm, and HeadObject returns it as a full-object checksum only on request.',
  INTEGRITY,
  async ({ bucket, key, raw }) => {
    const Bucket = await bucket('never');
    for (const [algorithm, value] of Object.entries(CHECK)) {
      const target = { bucket: Bucket, key: key(algorithm) };
      const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
      const put = await raw('PUT', { ...target, body: '123456789', headers: { [name]: value } });
      same(`${algorithm}: answer of PUT`, [put.status, put.headers[name]], [200, value]);
      const asked = await raw('HEAD', { ...target, headers: { 'x-amz-checksum-mode': 'ENABLED' } });
      same(
        `${algorithm}: HEAD`,
        [asked.headers[name], asked.headers['x-amz-checksum-type']],
        [value, 'FULL_OBJECT'],
      );
      const unasked = await raw('HEAD', target);
      same(`${algorithm}: HEAD that does not ask`, unasked.headers[name], undefined);
    }
  },
);

export const aWrongChecksumIsRefused = behaviour(
  'PutObject fails with 400 BadDigest and stores nothing if a checksum header does not match the body.',
  INTEGRITY,
  async ({ bucket, key, raw, read }) => {
    const Bucket = await bucket('never');
    for (const [algorithm, value] of Object.entries(CHECK)) {
      const target = { bucket: Bucket, key: key(algorithm) };
      const headers = { [`x-amz-checksum-${algorithm.toLowerCase()}`]: value };
      const put = await raw('PUT', { ...target, body: '12345678X', headers });
      same(algorithm, `${put.status} ${put.code}`, '400 BadDigest');
      await refused('GET', read(Bucket, target.key), '404 NoSuchKey');
    }
  },
);

export const aMalformedChecksumIsRefused = behaviour(
  'PutObject fails with 400 InvalidRequest if a checksum header is not a valid digest of its algorithm.',
  INTEGRITY,
  async ({ bucket, key, raw }) => {
    const headers = { 'x-amz-checksum-crc32': 'nonsense' };
    const put = await raw('PUT', { bucket: await bucket('never'), key: key(), body: 'x', headers });
    same('answer', `${put.status} ${put.code}`, '400 InvalidRequest');
  },
);

export const onlyOneChecksumIsTaken = behaviour(
  'PutObject with two checksum headers fails with 400 InvalidRequest.',
  INTEGRITY,
  async ({ bucket, key, raw }) => {
    const headers = { 'x-amz-checksum-crc32': CHECK.CRC32, 'x-amz-checksum-sha256': CHECK.SHA256 };
    const put = await raw('PUT', { bucket: await bucket('never'), key: key(), body: '123456789', headers });
    same('answer', `${put.status} ${put.code}`, '400 InvalidRequest');
  },
);

export const s3AddsCrc64NvmeByItself = behaviour(
  'S3 adds a full-object CRC64NVME to an object that is written without a checksum.',
  s3Guide('checking-object-integrity'),
  async ({ bucket, key, raw, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const put = await raw('PUT', { bucket: Bucket, key: Key, body: '123456789' });
    same('answer of PUT', put.headers['x-amz-checksum-crc64nvme'], CHECK.CRC64NVME);
    const stored = await head(s3, Bucket, Key);
    same('HEAD', [stored.ChecksumCRC64NVME, stored.ChecksumType], [CHECK.CRC64NVME, 'FULL_OBJECT']);
  },
);

export const aTrailingChecksumIsVerified = behaviour(
  'PutObject stores the object if the trailing checksum of a chunked body is right, and fails with 400 BadDigest if it is wrong.',
  s3Api('sigv4-streaming-trailers'),
  async ({ bucket, key, raw, read }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const send = (checksum: string) =>
      raw('PUT', {
        ...target,
        payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: {
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': '9',
          'x-amz-trailer': 'x-amz-checksum-crc32',
        },
        body: `9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:${checksum}\r\n\r\n`,
      });
    const wrong = await send('AAAAAA==');
    same('wrong', `${wrong.status} ${wrong.code}`, '400 BadDigest');
    const right = await send(CHECK.CRC32);
    same('right', [right.status, right.headers['x-amz-checksum-crc32']], [200, CHECK.CRC32]);
    same('body', await read(target.bucket, target.key), '123456789');
  },
);

export const contentMd5IsVerified = behaviour(
  'PutObject fails with 400 BadDigest if Content-MD5 does not match the body, and with 400 InvalidDigest if it is not an MD5.',
  s3Api('ErrorResponses'),
  async ({ bucket, key, raw }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const send = async (md5: string) => {
      const answer = await raw('PUT', { ...target, body: 'content', headers: { 'content-md5': md5 } });
      return `${answer.status} ${answer.code}`;
    };
    same('of another body', await send(hash('md5', 'other', 'base64')), '400 BadDigest');
    same('no MD5', await send('bm9uc2Vuc2U='), '400 InvalidDigest');
    same('right', await send(hash('md5', 'content', 'base64')), '200 null');
  },
);

export const theSignedHashOfTheBodyIsVerified = behaviour(
  'PutObject fails with 400 XAmzContentSHA256Mismatch if x-amz-content-sha256 does not match the body.',
  s3Api('ErrorResponses'),
  async ({ bucket, key, raw }) => {
    const payloadHash = hash('sha256', 'other', 'hex');
    const answer = await raw('PUT', {
      bucket: await bucket('never'),
      key: key(),
      body: 'content',
      payloadHash,
    });
    same('answer', `${answer.status} ${answer.code}`, '400 XAmzContentSHA256Mismatch');
  },
);

export const anUnsignedBodyIsTaken = behaviour(
  'PutObject with UNSIGNED-PAYLOAD accepts a body that is not part of the signature.',
  s3Api('sig-v4-header-based-auth'),
  async ({ bucket, key, raw, read }) => {
    const target = { bucket: await bucket('never'), key: key() };
    const answer = await raw('PUT', { ...target, body: 'content', payloadHash: 'UNSIGNED-PAYLOAD' });
    same('status', answer.status, 200);
    same('body', await read(target.bucket, target.key), 'content');
  },
);
