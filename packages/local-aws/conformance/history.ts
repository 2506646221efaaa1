/**
 * The steps of a random history, and the functions that perform the steps both in a bucket and in its model.
 */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import type { Context } from './context.ts';
import { refused, same } from './difference.ts';
import { encode } from './sign.ts';
import {
  type Condition,
  type Content,
  current,
  erase,
  multipartEtag,
  objectListing,
  OTHER_ETAG,
  refusal,
  remove,
  simpleEtag,
  type VersionedBucket,
  versionListing,
  versionsOf,
  write,
} from './versioned-bucket.ts';

export type Step =
  | { kind: 'put' | 'upload'; key: string; body: string; condition: Condition }
  | { kind: 'copy'; from: string; version: number; key: string; condition: Condition }
  | { kind: 'delete'; key: string; condition: Exclude<Condition, 'absent'> }
  | { kind: 'delete-version'; key: string; version: number }
  | { kind: 'versioning'; status: 'Enabled' | 'Suspended' }
  | { kind: 'read'; key: string; version: number }
  | { kind: 'list'; prefix: string; delimiter: string; startAfter: string; pageSize: number };

const KEYS = ['a', 'a/b', 'a/c', 'b', 'ü', '😀'];
const key = fc.constantFrom(...KEYS);
const body = fc.constantFrom('one', 'two', 'three');
const version = fc.nat(4);
const condition = fc.constantFrom<Condition>('none', 'none', 'absent', 'current', 'other');
const removal = fc.constantFrom('none', 'none', 'current', 'other');
const only = <T extends string>(kind: T) => fc.constant(kind);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: only('put'), key, body, condition }) },
  { weight: 2, arbitrary: fc.record({ kind: only('upload'), key, body, condition }) },
  { weight: 2, arbitrary: fc.record({ kind: only('copy'), from: key, version, key, condition }) },
  { weight: 3, arbitrary: fc.record({ kind: only('delete'), key, condition: removal }) },
  { weight: 3, arbitrary: fc.record({ kind: only('delete-version'), key, version }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: only('versioning'), status: fc.constantFrom('Enabled', 'Suspended') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: only('read'), key, version }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: only('list'),
      prefix: fc.constantFrom('', 'a', 'a/'),
      delimiter: fc.constantFrom('', '/'),
      // These values lie outside every common prefix. AWS does not document what a listing returns if it
      // starts inside a common prefix.
      startAfter: fc.constantFrom('', 'a', 'b', 'ü'),
      pageSize: fc.constantFrom(1, 2, 1000),
    }),
  },
);

export const history: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 25, size: 'max' });

/** Performs the steps in a new bucket. Throws if the bucket differs from the model. */
export const play = async (context: Context, steps: readonly Step[]): Promise<void> => {
  const model: VersionedBucket = { versioning: 'never', versions: new Map() };
  const target: Target = { context, Bucket: await context.freshBucket('never'), model };
  for (const one of steps) await take(target, one);
  same('versions', await listVersions(target), versionListing(model));
  for (const name of KEYS) await compareCurrent(target, name);
};

interface Target {
  context: Context;
  Bucket: string;
  model: VersionedBucket;
}

const take = async (target: Target, one: Step): Promise<void> => {
  const { context, Bucket, model } = target;
  switch (one.kind) {
    case 'put':
      return await takePut(target, one);
    case 'upload':
      return await takeUpload(target, one);
    case 'copy':
      return await takeCopy(target, one);
    case 'delete':
      return await takeDelete(target, one);
    case 'delete-version':
      return await takeDeleteVersion(target, one);
    case 'read':
      return await compareVersion(target, one.key, one.version);
    case 'list':
      return same(JSON.stringify(one), await listObjects(target, one), objectListing(model, one));
    case 'versioning':
      await context.s3.send(
        new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: one.status } }),
      );
      model.versioning = one.status;
  }
};

/**
 * Waits for a write (`attempt`) of the key `one.key`. Throws unless the result is as the model predicts. Then
 * performs the write in the model.
 */
const commit = async (
  { model }: Target,
  one: Step & { key: string; condition: Condition },
  content: Content,
  attempt: Promise<{ ETag?: string | undefined; VersionId?: string | undefined }>,
): Promise<void> => {
  const expected = refusal(model, one.key, one.condition);
  if (expected !== null) return await refused(JSON.stringify(one), attempt, expected);
  const { ETag, VersionId } = await attempt;
  same(`ETag of ${JSON.stringify(one)}`, ETag, content.etag);
  write(model, one.key, content, VersionId);
};

const conditionOf = (
  { model }: Target,
  { key: Key, condition: what }: { key: string; condition: Condition },
) => {
  if (what === 'absent') return { IfNoneMatch: '*' };
  if (what === 'current') return { IfMatch: current(model, Key)?.etag ?? OTHER_ETAG };
  return what === 'other' ? { IfMatch: OTHER_ETAG } : {};
};

const takePut = async (target: Target, one: Step & { kind: 'put' | 'upload' }): Promise<void> => {
  const Metadata = { by: 'put' };
  const { context, Bucket } = target;
  const attempt = context.put(Bucket, one.key, one.body, { Metadata, ...conditionOf(target, one) });
  await commit(target, one, { body: one.body, metadata: Metadata, etag: simpleEtag(one.body) }, attempt);
};

const takeUpload = async (target: Target, one: Step & { kind: 'put' | 'upload' }): Promise<void> => {
  const { s3 } = target.context;
  const [object, metadata] = [{ Bucket: target.Bucket, Key: one.key }, { by: 'upload' }];
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...object, Metadata: metadata }));
  const upload = { ...object, UploadId };
  const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: one.body }));
  const attempt = s3.send(
    new CompleteMultipartUploadCommand({
      ...upload,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
      ...conditionOf(target, one),
    }),
  );
  await commit(target, one, { body: one.body, metadata, etag: multipartEtag(one.body) }, attempt);
};

const takeCopy = async (target: Target, one: Step & { kind: 'copy' }): Promise<void> => {
  const { context, Bucket, model } = target;
  const source = versionsOf(model, one.from)[one.version];
  // S3 refuses to copy an object onto itself without any change, so such a copy is skipped. A copy without a
  // source is skipped too.
  if (source === undefined || source.content === null || one.from === one.key) return;
  const path = one.from.split('/').map(encode).join('/');
  const attempt = context.s3
    .send(
      new CopyObjectCommand({
        Bucket,
        Key: one.key,
        CopySource: `${Bucket}/${path}?versionId=${source.versionId}`,
        ...conditionOf(target, one),
      }),
    )
    .then(({ CopyObjectResult, VersionId }) => ({ ETag: CopyObjectResult?.ETag, VersionId }));
  const { body: copied, metadata } = source.content;
  await commit(target, one, { body: copied, metadata, etag: simpleEtag(copied) }, attempt);
};

const takeDelete = async (target: Target, one: Step & { kind: 'delete' }): Promise<void> => {
  const { context, Bucket, model } = target;
  const attempt = context.s3.send(
    new DeleteObjectCommand({ Bucket, Key: one.key, ...conditionOf(target, one) }),
  );
  const expected = refusal(model, one.key, one.condition);
  if (expected !== null) return await refused(JSON.stringify(one), attempt, expected);
  remove(model, one.key, (await attempt).VersionId);
};

const takeDeleteVersion = async (target: Target, one: Step & { kind: 'delete-version' }): Promise<void> => {
  const { context, Bucket, model } = target;
  const VersionId = versionsOf(model, one.key)[one.version]?.versionId;
  if (VersionId === undefined) return;
  await context.s3.send(new DeleteObjectCommand({ Bucket, Key: one.key, VersionId }));
  erase(model, one.key, VersionId);
};

const compareVersion = async (target: Target, name: string, index: number): Promise<void> => {
  const found = versionsOf(target.model, name)[index];
  if (found === undefined) return;
  const { versionId, content } = found;
  const read = target.context.read(target.Bucket, name, { VersionId: versionId });
  const what = `version ${versionId} of ${name}`;
  if (content === null) await refused(what, read, '405 MethodNotAllowed');
  else same(what, await read, content.body);
};

const compareCurrent = async ({ context, Bucket, model }: Target, Key: string): Promise<void> => {
  const content = current(model, Key);
  const read = context.read(Bucket, Key);
  if (content === null) return await refused(`current version of ${Key}`, read, '404 NoSuchKey');
  same(`current version of ${Key}`, await read, content.body);
  const { ETag, Metadata } = await context.s3.send(new HeadObjectCommand({ Bucket, Key }));
  same(`HEAD of ${Key}`, [ETag, Metadata], [content.etag, content.metadata]);
};

/**
 * Lists two entries per page, so that most listings have several pages. It reads the order of the entries
 * from the XML, because the SDK separates versions and delete markers.
 */
const listVersions = async ({ context, Bucket }: Target): Promise<string[]> => {
  const seen: string[] = [];
  let query: Record<string, string> | null = { versions: '', 'max-keys': '2' };
  while (query !== null) {
    const { body: page } = await context.raw('GET', { bucket: Bucket, query });
    const text = (name: string, inside = page) =>
      new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(inside)?.[1]?.replaceAll(/&quot;|&#34;/g, '"') ?? '';
    for (const [, kind, inside = ''] of page.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)) {
      const latest = text('IsLatest', inside) === 'true' ? ' latest' : '';
      const what = kind === 'Version' ? text('ETag', inside) : 'marker';
      seen.push(`${text('Key', inside)} ${text('VersionId', inside)}${latest} ${what}`);
    }
    const [next, nextVersion] = [text('NextKeyMarker'), text('NextVersionIdMarker')];
    query = next === '' ? null : { ...query, 'key-marker': next, 'version-id-marker': nextVersion };
  }
  return seen;
};

const listObjects = async (
  { context, Bucket }: Target,
  one: Step & { kind: 'list' },
): Promise<(string | undefined)[]> => {
  const seen: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await context.s3.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: one.prefix,
        Delimiter: one.delimiter,
        StartAfter: one.startAfter,
        MaxKeys: one.pageSize,
        ContinuationToken,
      }),
    );
    const keys = (page.Contents ?? []).map(({ Key = '' }) => Key);
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix);
    seen.push(...[...keys, ...prefixes].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return seen;
};
