/** ListObjectsV2, ListObjects and ListObjectVersions. */
import {
  DeleteObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api } from './behaviour.ts';
import type { Context, Versioning } from './context.ts';
import { same } from './difference.ts';

const V2 = s3Api('API_ListObjectsV2');
const VERSIONS = s3Api('API_ListObjectVersions');

const filled = async ({ freshBucket, put }: Context, versioning: Versioning, keys: string[]) => {
  const Bucket = await freshBucket(versioning);
  for (const key of keys) await put(Bucket, key, `content of ${key}`);
  return Bucket;
};

const keysOf = (contents: { Key?: string | undefined }[] | undefined): (string | undefined)[] =>
  (contents ?? []).map(({ Key }) => Key);

const prefixesOf = (prefixes: { Prefix?: string | undefined }[] | undefined): (string | undefined)[] =>
  (prefixes ?? []).map(({ Prefix }) => Prefix);

export const keysAreListedInByteOrder = behaviour(
  'ListObjectsV2 returns keys in the order of their UTF-8 bytes, not in alphabetical or UTF-16 order.',
  V2,
  async (context) => {
    const keys = ['B', 'a', 'a/b', 'a0', 'z', 'é', '\uffee', '😀'];
    const Bucket = await filled(context, 'never', keys.toReversed());
    const list = await context.s3.send(new ListObjectsV2Command({ Bucket }));
    same('keys', keysOf(list.Contents), keys);
    same('count', [list.KeyCount, list.IsTruncated], [8, false]);
  },
);

export const aPrefixIsAPlainPrefix = behaviour(
  'ListObjectsV2 compares the prefix as plain text and gives a slash no special meaning.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'never', ['a', 'ab', 'a/b', 'b']);
    const list = await context.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a' }));
    same('keys', keysOf(list.Contents), ['a', 'a/b', 'ab']);
  },
);

export const aDelimiterFoldsKeys = behaviour(
  'ListObjectsV2 groups keys that contain the delimiter after the prefix into common prefixes and counts each common prefix once.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'never', ['a/1', 'a/2', 'b', 'p/', 'p/a/1', 'p/b', 'p/c/1']);
    const top = await context.s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
    same('keys at the top', keysOf(top.Contents), ['b']);
    same('prefixes at the top', prefixesOf(top.CommonPrefixes), ['a/', 'p/']);
    same('count at the top', top.KeyCount, 3);
    const inner = await context.s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', Prefix: 'p/' }));
    same('keys below p/', keysOf(inner.Contents), ['p/', 'p/b']);
    same('prefixes below p/', prefixesOf(inner.CommonPrefixes), ['p/a/', 'p/c/']);
  },
);

export const listingsArePagedByTokens = behaviour(
  'ListObjectsV2 pages by continuation token, counts a common prefix as one entry and does not repeat it on the next page.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'never', ['a', 'b/1', 'b/2', 'b/3', 'c', 'd/1']);
    const seen: (string | undefined)[] = [];
    let token: string | undefined;
    let pages = 0;
    do {
      const list = await context.s3.send(
        new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1, ContinuationToken: token }),
      );
      seen.push(...keysOf(list.Contents), ...prefixesOf(list.CommonPrefixes));
      token = list.NextContinuationToken;
      pages++;
    } while (token !== undefined && pages < 10);
    same('entries', seen, ['a', 'b/', 'c', 'd/']);
    same('pages', pages, 4);
  },
);

export const startAfterIsExclusive = behaviour(
  'ListObjectsV2 with StartAfter starts after that key, which does not have to exist.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'never', ['a', 'b', 'c']);
    const after = async (StartAfter: string) =>
      keysOf((await context.s3.send(new ListObjectsV2Command({ Bucket, StartAfter }))).Contents);
    same('after b', await after('b'), ['c']);
    same('after bb', await after('bb'), ['c']);
  },
);

export const urlEncodingKeepsOddKeysReadable = behaviour(
  'ListObjectsV2 with encoding-type=url returns percent-encoded keys, because XML cannot contain all characters.',
  V2,
  async (context) => {
    const names = ['a b/1+2', 'test_file(3).png', 'ü&<'];
    const Bucket = await filled(context, 'never', names);
    const list = async (query: Record<string, string>) =>
      (await context.raw('GET', { bucket: Bucket, query: { 'list-type': '2', ...query } })).body;
    const encoded = await list({ 'encoding-type': 'url' });
    const keys = [...encoded.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) => key);
    same('the example of the reference', keys[1], 'test_file%283%29.png');
    same(
      'keys decoded',
      keys.map((key) => decodeURIComponent(key.replaceAll('+', ' '))),
      names,
    );
    const plain = await list({});
    same('without', /<Key>ü&amp;&lt;<\/Key>/.test(plain), true);
  },
);

export const maxKeysIs1000AtMost = behaviour(
  'ListObjectsV2 accepts a max-keys above its limit of 1,000, returns nothing for 0 and rejects a negative one with 400 InvalidArgument.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'never', ['a']);
    const list = (maxKeys: string) =>
      context.raw('GET', { bucket: Bucket, query: { 'list-type': '2', 'max-keys': maxKeys } });
    const many = await list('5000');
    same('status', many.status, 200);
    same('keys', many.body.includes('<Key>a</Key>'), true);
    const none = await list('0');
    same('of none', [none.status, none.body.includes('<Contents>')], [200, false]);
    same('IsTruncated of none', none.body.includes('<IsTruncated>false</IsTruncated>'), true);
    const negative = await list('-1');
    same('negative', `${negative.status} ${negative.code}`, '400 InvalidArgument');
  },
);

export const theOldListingIsPagedByMarker = behaviour(
  'ListObjects pages by Marker and returns NextMarker only if the request has a delimiter.',
  s3Api('API_ListObjects'),
  async (context) => {
    const Bucket = await filled(context, 'never', ['a', 'b/1', 'b/2', 'c']);
    const list = (more: object) => context.s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 2, ...more }));
    const plain = await list({});
    same('keys', keysOf(plain.Contents), ['a', 'b/1']);
    same('truncated', [plain.IsTruncated, plain.NextMarker], [true, undefined]);
    same('next keys', keysOf((await list({ Marker: 'b/1' })).Contents), ['b/2', 'c']);
    const folded = await list({ Delimiter: '/' });
    same('folded', [...keysOf(folded.Contents), ...prefixesOf(folded.CommonPrefixes)], ['a', 'b/']);
    same('NextMarker', folded.NextMarker, 'b/');
    same('next folded', keysOf((await list({ Delimiter: '/', Marker: 'b/' })).Contents), ['c']);
  },
);

export const deletedObjectsAreNotListed = behaviour(
  'ListObjectsV2 leaves out a key whose current version is a delete marker.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'Enabled', ['a', 'b']);
    await context.s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    same('keys', keysOf((await context.s3.send(new ListObjectsV2Command({ Bucket }))).Contents), ['b']);
  },
);

export const ownersAreListedWhenAskedFor = behaviour(
  'ListObjectsV2 returns owners only if fetch-owner is set.',
  V2,
  async (context) => {
    const Bucket = await filled(context, 'never', ['a']);
    const list = await context.s3.send(new ListObjectsV2Command({ Bucket }));
    same('without', list.Contents?.[0]?.Owner, undefined);
    const asked = await context.s3.send(new ListObjectsV2Command({ Bucket, FetchOwner: true }));
    same('with', typeof asked.Contents?.[0]?.Owner?.ID, 'string');
  },
);

/**
 * Returns the entries of one page in the form `key version-id`. A `*` follows the current version of a key.
 * Delete markers and versions are in the order of the response's XML.
 */
const versionsPage = async ({ raw }: Context, bucket: string, query: Record<string, string>) => {
  const { body } = await raw('GET', { bucket, query: { versions: '', ...query } });
  const text = (name: string, inside: string) =>
    new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(inside)?.[1] ?? '';
  const entries = [...body.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map(
    ([, kind, inside = '']) =>
      `${kind === 'Version' ? 'v' : 'm'} ${text('Key', inside)} ${text('VersionId', inside)}${text('IsLatest', inside) === 'true' ? ' *' : ''}`,
  );
  const [key, version] = [text('NextKeyMarker', body), text('NextVersionIdMarker', body)];
  return { entries, body, next: key === '' ? null : { 'key-marker': key, 'version-id-marker': version } };
};

export const versionsAreListedNewestFirst = behaviour(
  'ListObjectVersions orders keys by their bytes and the versions and delete markers of a key from newest to oldest.',
  VERSIONS,
  async (context) => {
    const { freshBucket, put, s3 } = context;
    const Bucket = await freshBucket('Enabled');
    const first = (await put(Bucket, 'a', 'first')).VersionId;
    const marker = (await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))).VersionId;
    const third = (await put(Bucket, 'a', 'third')).VersionId;
    const other = (await put(Bucket, 'B', 'other')).VersionId;
    const { entries } = await versionsPage(context, Bucket, {});
    same('entries', entries, [`v B ${other} *`, `v a ${third} *`, `m a ${marker}`, `v a ${first}`]);
  },
);

export const versionsArePagedInsideAKey = behaviour(
  'ListObjectVersions pages by key marker and version id marker and can continue within a key.',
  VERSIONS,
  async (context) => {
    const { freshBucket, put } = context;
    const Bucket = await freshBucket('Enabled');
    for (const key of ['a', 'a', 'a', 'b']) await put(Bucket, key, 'content');
    const { entries: whole } = await versionsPage(context, Bucket, {});
    const seen: string[] = [];
    let markers: Record<string, string> | null = {};
    for (let page = 0; page < 5 && markers !== null; page++) {
      const found = await versionsPage(context, Bucket, { 'max-keys': '1', ...markers });
      seen.push(...found.entries);
      markers = found.next;
    }
    same('entries of all pages', seen, whole);
    same('entries', whole.length, 4);
  },
);

export const aKeyMarkerAloneSkipsTheWholeKey = behaviour(
  'ListObjectVersions with a key marker but no version id marker starts after all versions of that key.',
  VERSIONS,
  async (context) => {
    const { freshBucket, put, s3 } = context;
    const Bucket = await freshBucket('Enabled');
    for (const key of ['a', 'a', 'b', 'c']) await put(Bucket, key, 'content');
    const list = async (more: Partial<ListObjectVersionsCommandInput>) =>
      keysOf((await s3.send(new ListObjectVersionsCommand({ Bucket, ...more }))).Versions);
    same('behind a', await list({ KeyMarker: 'a' }), ['b', 'c']);
    same('behind a, with a prefix', await list({ KeyMarker: 'a', Prefix: 'c' }), ['c']);
  },
);

export const aVersionIdMarkerNeedsAKeyMarker = behaviour(
  'ListObjectVersions with a version id marker but no key marker fails with 400 InvalidArgument.',
  VERSIONS,
  async ({ bucket, key, put, raw }) => {
    const Bucket = await bucket('Enabled');
    const { VersionId = '' } = await put(Bucket, key(), 'content');
    const query = { versions: '', 'version-id-marker': VersionId };
    const answer = await raw('GET', { bucket: Bucket, query });
    same('answer', `${answer.status} ${answer.code}`, '400 InvalidArgument');
  },
);

export const versionsFoldAtADelimiterToo = behaviour(
  'ListObjectVersions groups keys by the delimiter, even if they have several versions or a delete marker.',
  VERSIONS,
  async (context) => {
    const { s3 } = context;
    const Bucket = await filled(context, 'Enabled', ['a/1', 'a/1', 'b', 'c/1']);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'c/1' }));
    const list = await s3.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/' }));
    same('versions', keysOf(list.Versions), ['b']);
    same('common prefixes', prefixesOf(list.CommonPrefixes), ['a/', 'c/']);
  },
);
