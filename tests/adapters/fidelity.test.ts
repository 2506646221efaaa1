/**
 * Compares docs/fidelity.md with the S3 API as the SDK describes it, with the header table of the adapters,
 * and with actual replicas.
 *
 * After changing the header table, run `npx vitest run tests/adapters/fidelity.test.ts -u`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateMultipartUploadRequest$,
  DeleteMarkerEntry$,
  GetObjectAttributesOutput$,
  GetObjectOutput$,
  HeadObjectCommand,
  HeadObjectOutput$,
  ObjectVersion$,
  PutObjectCommand,
  PutObjectOutput$,
  PutObjectRequest$,
  type S3Client,
} from '@aws-sdk/client-s3';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDestination, testRule } from '../model/settings.ts';
import { NO_ATTRIBUTES, type Row, ROWS } from './fidelity-rows.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/fidelity.md');

const SHAPES = [
  HeadObjectOutput$,
  GetObjectOutput$,
  GetObjectAttributesOutput$,
  PutObjectRequest$,
  PutObjectOutput$,
  CreateMultipartUploadRequest$,
  ObjectVersion$,
  DeleteMarkerEntry$,
];

test.each(SHAPES.map((shape) => [shape[2], shape[4]] as const))(
  'every member of %s is in exactly one row of docs/fidelity.md, or listed as no attribute',
  (_name, members) => {
    const named = [...ROWS.flatMap((row) => row.members), ...NO_ATTRIBUTES];
    for (const member of members) {
      const times = named.filter((other) => other === member).length;
      expect({ member, times }).toEqual({ member, times: 1 });
    }
  },
);

test('docs/fidelity.md names no member that the S3 API does not have', () => {
  const known = new Set(SHAPES.flatMap((shape) => shape[4]));
  const unknown = [...ROWS.flatMap((row) => row.members), ...NO_ATTRIBUTES].filter(
    (name) => !known.has(name),
  );
  expect(unknown).toEqual([]);
});

test('the table in docs/fidelity.md is generated from the rows of this test', async () => {
  const [head, , tail] = readFileSync(DOCUMENT, 'utf8').split(
    /(?<=<!-- table -->\n)|(?=<!-- end of table -->)/,
  );
  // If the marks around the table were missing, an update of the snapshot would cut off the rest of the
  // document.
  expect(tail).toBeDefined();
  const text = `${head}\n${tableOf(ROWS)}\n${tail}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
});

const tableOf = (rows: readonly Row[]): string =>
  [
    '| attribute | in the S3 API | replica | how | changed later |',
    '| - | - | - | - | - |',
    ...rows.map(({ attribute, members, replica, why, later }) => {
      const names = members.map((name) => `\`${name}\``).join(', ');
      return `| ${[attribute, names, replica, why, later ?? 'never'].join(' | ')} |`;
    }),
  ].join('\n');

let local: LocalBuckets;
beforeAll(async () => {
  local = await startLocalBuckets();
  local.createSource('source', { ObjectLockEnabled: true });
  local.createDestination('replica', { ObjectLockEnabled: true });
});
afterAll(() => local[Symbol.asyncDispose]());

const WITH_ATTRIBUTES = {
  Bucket: 'source',
  Key: 'k',
  Body: 'bytes',
  ChecksumAlgorithm: 'SHA256',
  CacheControl: 'max-age=60',
  ContentDisposition: 'attachment; filename="a.txt"',
  ContentEncoding: 'identity',
  ContentLanguage: 'de, en',
  ContentType: 'text/plain; charset=utf-8',
  Expires: new Date('2030-01-01T00:00:00Z'),
  WebsiteRedirectLocation: '/other',
  StorageClass: 'STANDARD_IA',
  Metadata: { author: 'me' },
  Tagging: 'a=1&b=2',
  ObjectLockMode: 'GOVERNANCE',
  ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
  ObjectLockLegalHoldStatus: 'ON',
} as const;

test('every attribute that docs/fidelity.md calls kept is the same in a HEAD of both sides', async () => {
  await local.sourceOwner.send(new PutObjectCommand(WITH_ATTRIBUTES));
  await copy('k');
  const at = async (client: S3Client, Bucket: string): Promise<Record<string, unknown>> => ({
    ...(await client.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }))),
  });
  const source = await at(local.sourceOwner, 'source');
  const replica = await at(local.destinationOwner, 'replica');
  const shown = new Set<string>(HeadObjectOutput$[4]);
  for (const row of ROWS.filter((each) => each.replica === 'kept' || each.attribute === 'Storage class')) {
    const members = row.members.filter((name) => shown.has(name) && name !== 'PartsCount');
    const of = (side: Record<string, unknown>) =>
      members.map((name) => [name, side[name]]).filter(([, value]) => value !== undefined);
    expect(of(replica)).toEqual(of(source));
    // This check ensures that the comparison above compared at least one value.
    expect({ row: row.attribute, isShown: members.length === 0 || of(source).length > 0 }).toEqual({
      row: row.attribute,
      isShown: true,
    });
  }
});

const copy = async (key: string): Promise<void> => {
  const source = local.buckets.source(testRule());
  const opened = await source.open(key, null);
  if (opened === null) throw new Error('the source object is not there');
  const { state, body } = opened;
  const tags = (await source.tags(key, null)) ?? {};
  await local.buckets.destination(testDestination({ bucket: 'replica', storageClass: null })).put({
    key,
    body,
    sizeBytes: state.sizeBytes,
    attributes: { ...state.attributes, tags, lock: state.lock },
    precondition: { kind: 'absent' },
    guard: state.checksum === null ? { kind: 'none' } : { kind: 'checksum', checksum: state.checksum },
  });
};
