/**
 * Damaged and hostile answers of S3. A destination belongs to another account, and may be a server that is not S3, so its answers are as
 * untrusted as every other input. No answer may crash an adapter or cost it more than a second of CPU. The adapter must return an answer of
 * the port's type or throw a `ReplicationError`. `FUZZ_INPUTS` sets how many answers are tried.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { ALL_REASONS } from '../../src/lib/model/reasons.ts';
import type { DestinationBucket, SourceBucket } from '../../src/lib/model/ports.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { SEED } from '../model/seed.ts';
import { aws, destination, source, startScript, stopScript } from '../adapters/scripted-s3.ts';
import { createMutator } from './mutator.ts';

const ANSWERS = Number(process.env['FUZZ_INPUTS'] ?? 500);
const MAX_CPU_MS = 1_000;

beforeAll(startScript);
afterAll(stopScript);

const PAGE = (root: string, inside: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</${root}>`;
const WHEN = '2026-11-01T10:00:00.000Z';
const ETAG = '"5d41402abc4b2a76b9719d911017c592"';
const VERSION = (kind: string): string =>
  `<${kind}><Key>k</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest><LastModified>${WHEN}</LastModified><ETag>${ETAG}</ETag><Size>5</Size></${kind}>`;

/** A call with an answer that S3 gives. The test may damage each header and the body of the answer. */
interface Sample {
  name: string;
  call(sides: { source: SourceBucket; destination: DestinationBucket }): Promise<unknown>;
  headers?: Record<string, string>;
  body?: string;
  isHead?: boolean;
}

const collected = async <T>(entries: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const entry of entries) if (list.push(entry) > 20) return list;
  return list;
};

const OBJECT = {
  etag: ETAG,
  'content-length': '0',
  'last-modified': 'Sun, 01 Nov 2026 10:00:00 GMT',
  'x-amz-version-id': 'v1',
  'x-amz-checksum-crc32': 'AAAAAA==',
  'x-amz-checksum-type': 'FULL_OBJECT',
  'x-amz-meta-s3r': 'v/v1/sxyz12@0123456789abcdef',
  'x-amz-tagging-count': '1',
  'x-amz-object-lock-mode': 'GOVERNANCE',
  'x-amz-object-lock-retain-until-date': WHEN,
};
const PIN = { versionId: 'v1', etag: ETAG, sizeBytes: 5, checksum: null };
const UPLOAD = { key: 'k', uploadId: 'u' };

const SAMPLES: Sample[] = [
  { name: 'look', call: (sides) => sides.destination.look('k'), headers: OBJECT, isHead: true },
  { name: 'head', call: (sides) => sides.destination.head('k', 'v1'), headers: OBJECT, isHead: true },
  {
    name: 'open',
    call: async (sides) => (await sides.source.open('k', 'v1'))?.body.destroy(),
    headers: { ...OBJECT, 'content-length': '5' },
    body: 'hello',
  },
  {
    name: 'read',
    call: async (sides) =>
      (await sides.destination.read('k', PIN, { kind: 'range', firstByte: 0, lastByte: 4 })).body.destroy(),
    headers: { ...OBJECT, 'content-length': '5', 'content-range': 'bytes 0-4/5' },
    body: 'hello',
  },
  {
    name: 'history',
    call: (sides) => collected(sides.destination.history('k')),
    body: PAGE(
      'ListVersionsResult',
      `<Name>replica</Name><Prefix>k</Prefix><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${VERSION('DeleteMarker')}${VERSION('Version')}`,
    ),
  },
  {
    name: 'tags',
    call: (sides) => sides.destination.tags('k', 'v1'),
    body: PAGE('Tagging', '<TagSet><Tag><Key>colour</Key><Value>red</Value></Tag></TagSet>'),
  },
  {
    name: 'acl',
    call: (sides) => sides.destination.acl('k', 'v1'),
    body: PAGE(
      'AccessControlPolicy',
      '<Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>alice</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList>',
    ),
  },
  {
    name: 'parts',
    call: (sides) => collected(sides.destination.parts({ ...UPLOAD, after: 0 })),
    body: PAGE(
      'ListPartsResult',
      `<UploadId>u</UploadId><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><LastModified>${WHEN}</LastModified><ETag>${ETAG}</ETag><Size>5242880</Size></Part>`,
    ),
  },
  {
    name: 'uploads',
    call: (sides) => collected(sides.destination.uploads('')),
    body: PAGE(
      'ListMultipartUploadsResult',
      `<IsTruncated>false</IsTruncated><Upload><Key>k</Key><UploadId>u</UploadId><Initiated>${WHEN}</Initiated><Initiator><ID>arn:aws:iam::1:role/r</ID></Initiator></Upload>`,
    ),
  },
  {
    name: 'versioning',
    call: (sides) => sides.destination.keepsVersions(),
    body: PAGE('VersioningConfiguration', '<Status>Enabled</Status>'),
  },
  {
    name: 'default retention',
    call: (sides) => sides.destination.defaultRetention(),
    body: PAGE(
      'ObjectLockConfiguration',
      '<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule>',
    ),
  },
  {
    name: 'put',
    call: (sides) =>
      sides.destination.put({
        key: 'k',
        body: Buffer.from('hello'),
        sizeBytes: 5,
        attributes: REPLICA_ATTRIBUTES,
        precondition: { kind: 'absent' },
        guard: { kind: 'compute' },
      }),
    headers: { etag: ETAG, 'x-amz-version-id': 'v1', 'x-amz-checksum-crc32': 'NhCmhg==' },
  },
  {
    name: 'create upload',
    call: (sides) =>
      sides.destination.createUpload({ key: 'k', attributes: REPLICA_ATTRIBUTES, checksum: null }),
    body: PAGE('InitiateMultipartUploadResult', '<Bucket>replica</Bucket><Key>k</Key><UploadId>u</UploadId>'),
  },
  {
    name: 'complete upload',
    call: (sides) =>
      sides.destination.completeUpload({
        ...UPLOAD,
        parts: [{ partNumber: 1, etag: ETAG, checksum: null }],
        sizeBytes: 5,
        checksum: null,
        precondition: { kind: 'unchanged', etag: ETAG },
      }),
    headers: { 'x-amz-version-id': 'v1' },
    body: PAGE('CompleteMultipartUploadResult', `<Key>k</Key><ETag>${ETAG}</ETag>`),
  },
  {
    name: 'copy',
    call: (sides) =>
      sides.destination.copyObject({
        from: { bucket: 'source', account: null, key: 'k', pin: PIN },
        key: 'k',
        attributes: REPLICA_ATTRIBUTES,
        precondition: { kind: 'absent' },
        unchecked: 'refuse',
      }),
    body: PAGE('CopyObjectResult', `<LastModified>${WHEN}</LastModified><ETag>${ETAG}</ETag>`),
  },
  {
    name: 'copy part',
    call: (sides) =>
      sides.destination.copyPart({
        ...UPLOAD,
        from: { bucket: 'source', account: null, key: 'k', pin: PIN },
        partNumber: 1,
        bytes: { first: 0, last: 4 },
      }),
    body: PAGE('CopyPartResult', `<LastModified>${WHEN}</LastModified><ETag>${ETAG}</ETag>`),
  },
  { name: 'remove', call: (sides) => sides.destination.remove({ key: 'k', etag: ETAG }) },
];

const ERRORS = [
  'AccessDenied',
  'PreconditionFailed',
  'NoSuchKey',
  'InvalidRequest',
  'MethodNotAllowed',
  '__proto__',
  'constructor',
  '',
];
const errorBody = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message><RequestId>r</RequestId></Error>`;
/**
 * The statuses of the answers. Those of a throttled or failing server are left out, because the SDK would repeat each request after a
 * pause.
 */
const STATUSES = [200, 200, 200, 200, 204, 206, 304, 400, 403, 404, 405, 409, 412, 416];

/** Node does not send what no header may contain. */
const sendable = (text: unknown): string =>
  String(text)
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
    .slice(0, 6_000);

test(`${ANSWERS} damaged answers of S3 crash no adapter and take none more than a second of CPU (seed ${SEED})`, async () => {
  const mutate = createMutator(SEED);
  const sides = { source: source(), destination: destination() };
  const ended = new Map<string, number>();
  for (let n = 0; n < ANSWERS; n += 1) {
    const sample = mutate.pick(SAMPLES);
    const drawn = mutate.pick(STATUSES);
    // A HEAD that is answered 400 would be tried again after pauses, so 403 is sent instead.
    const status = drawn === 400 && sample.isHead === true ? 403 : drawn;
    const headers = Object.entries(Object(mutate.value(sample.headers ?? {})));
    const body = mutate.text(status < 300 ? (sample.body ?? '') : errorBody(mutate.pick(ERRORS)));
    aws.answer = (request, response) => {
      response.statusCode = status;
      for (const [name, value] of headers)
        if (/^[a-z0-9-]+$/.test(name) && name !== 'content-length') response.setHeader(name, sendable(value));
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const before = process.cpuUsage();
    try {
      await sample.call(sides);
      ended.set('answered', (ended.get('answered') ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof ReplicationError))
        throw new Error(`${sample.name}: ${status} ${body}`, { cause: error });
      expect(ALL_REASONS, `${sample.name}: ${status} ${body}`).toContain(error.reason);
      ended.set(error.reason, (ended.get(error.reason) ?? 0) + 1);
    }
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000, `${sample.name}: ${status} ${body.slice(0, 300)}`).toBeLessThan(
      MAX_CPU_MS,
    );
  }
  expect(ended.get('answered')).toBeGreaterThan(ANSWERS / 10);
  expect(ended.size).toBeGreaterThan(4);
});
