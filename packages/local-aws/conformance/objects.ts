/** Operations on single objects in a bucket that was never versioned. */
import { hash } from 'node:crypto';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { matches, refused, same } from './difference.ts';
import { listedKey } from './listed-key.ts';

export const aNewObjectIsReadBack = behaviour(
  'GetObject returns a new object immediately and as it was written.',
  s3Guide('Welcome'),
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    same('body', await read(Bucket, Key), 'content');
  },
);

export const aPutReplacesTheObject = behaviour(
  'A second PutObject of a key replaces the whole object, including its metadata.',
  s3Api('API_PutObject'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'first, which is longer', { Metadata: { color: 'blue' } });
    await put(Bucket, Key, 'second');
    same('body', await read(Bucket, Key), 'second');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('user metadata', head.Metadata, {});
  },
);

export const theEtagOfASimplePutIsItsMd5 = behaviour(
  'The ETag of an object written by PutObject with SSE-S3 is the MD5 of its bytes, in quotes.',
  s3Api('API_Object'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    const etag = `"${hash('md5', 'content', 'hex')}"`;
    same('ETag of PUT', (await put(Bucket, Key, 'content')).ETag, etag);
    same('ETag of HEAD', (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ETag, etag);
  },
);

export const anObjectMayBeEmpty = behaviour(
  'An object can have zero bytes.',
  s3Guide('upload-objects'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, '');
    same('body', await read(Bucket, Key), '');
    same('length', (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength, 0);
  },
);

export const aKeyThatEndsInASlashIsAKeyLikeAnyOther = behaviour(
  'A key that ends in a slash names a separate object from the key without the slash.',
  s3Guide('using-folders'),
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('never');
    const name = key('folder');
    await put(Bucket, name, 'object');
    await put(Bucket, `${name}/`, 'folder');
    await put(Bucket, `${name}//`, 'twice');
    await put(Bucket, `${name}/inside`, 'inside');
    const found = await Promise.all(['', '/', '//', '/inside'].map((end) => read(Bucket, `${name}${end}`)));
    same('bodies', found, ['object', 'folder', 'twice', 'inside']);
  },
);

/** Keys with unusual characters. The last three keys can only be listed with `EncodingType: url`. */
export const ODD_NAMES = [
  'a b',
  'a+b',
  'a%2Bb',
  'a%b',
  'a&b=c?d#e',
  `quotes"'<>`,
  'back\\slash|{}^`~',
  "!-_.*'()",
  ':;,@$',
  'dots...',
  'ü',
  'u\u0308',
  '日本語',
  '😀',
  '\u{10ffff}',
  'line\nbreak',
  'tab\tand\u007f',
  '\u0001',
];

export const oddKeysAreKeptByteForByte = behaviour(
  'S3 accepts keys of any Unicode characters and does not change, decode or normalise them.',
  s3Guide('object-keys'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const prefix = `${key('odd')}/`;
    for (const name of ODD_NAMES) await put(Bucket, prefix + name, `content of ${name}`);
    for (const name of ODD_NAMES)
      same(`body of ${JSON.stringify(name)}`, await read(Bucket, prefix + name), `content of ${name}`);
    const list = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, EncodingType: 'url' }));
    const listed = (list.Contents ?? []).map(({ Key = '' }) => listedKey(Key, list.EncodingType));
    same('keys listed', listed.toSorted(), ODD_NAMES.map((name) => prefix + name).toSorted());
  },
);

export const aKeyHas1024BytesAtMost = behaviour(
  'A key has at most 1,024 bytes of UTF-8, regardless of its number of characters.',
  s3Guide('object-keys'),
  async ({ bucket, key, put, read }) => {
    const Bucket = await bucket('never');
    const prefix = key('long');
    const longest = prefix + 'ü'.repeat(Math.floor((1024 - prefix.length) / 2));
    const filled = longest + 'x'.repeat(1024 - Buffer.byteLength(longest));
    await put(Bucket, filled, 'long');
    same('body', await read(Bucket, filled), 'long');
    await refused('PUT of 1,025 bytes', put(Bucket, `${filled}x`, 'longer'), '400 KeyTooLongError');
  },
);

export const aMissingKeyIsNoSuchKey = behaviour(
  'GetObject of a missing key fails with 404 NoSuchKey, and HeadObject, which has no body, fails with a plain 404.',
  s3Api('API_GetObject'),
  async ({ bucket, key, read, raw, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key('missing');
    await refused('GET', read(Bucket, Key), '404 NoSuchKey');
    await refused('HEAD', s3.send(new HeadObjectCommand({ Bucket, Key })), '404');
    const head = await raw('HEAD', { bucket: Bucket, key: Key });
    same('HEAD by hand', { status: head.status, body: head.body }, { status: 404, body: '' });
  },
);

export const deletingTwiceSucceeds = behaviour(
  'DeleteObject returns 204 whether or not the object exists.',
  s3Api('API_DeleteObject'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    for (const attempt of ['first', 'second']) {
      const answer = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      same(`status of the ${attempt} DELETE`, answer.$metadata.httpStatusCode, 204);
    }
    await refused('GET', read(Bucket, Key), '404 NoSuchKey');
  },
);

export const manyKeysAreDeletedAtOnce = behaviour(
  'DeleteObjects reports every requested key as deleted, even a missing one, and reports no deleted keys in quiet mode.',
  s3Api('API_DeleteObjects'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const keys = [key('one'), key('two & <three>'), key('missing')];
    const Objects = keys.map((Key) => ({ Key }));
    for (const Key of keys.slice(0, 2)) await put(Bucket, Key, 'content');
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    same('deleted', (answer.Deleted ?? []).map(({ Key }) => Key).toSorted(), keys.toSorted());
    await refused('GET', read(Bucket, keys[0] ?? ''), '404 NoSuchKey');
    const quiet = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    same('deleted in quiet mode', quiet.Deleted ?? [], []);
  },
);

export const deleteObjectsWantsADigestOfItsBody = behaviour(
  'DeleteObjects without Content-MD5 or a checksum fails with 400 InvalidRequest.',
  s3Api('API_DeleteObjects'),
  async ({ bucket, raw }) => {
    const body = '<Delete><Object><Key>x</Key></Object></Delete>';
    const answer = await raw('POST', { bucket: await bucket('never'), query: { delete: '' }, body });
    same('answer', `${answer.status} ${answer.code}`, '400 InvalidRequest');
  },
);

export const headShowsWhatGetShows = behaviour(
  'HeadObject returns the same headers as GetObject and no body.',
  s3Api('API_HeadObject'),
  async ({ bucket, key, put, raw }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'content', { Metadata: { color: 'blue' }, CacheControl: 'no-store' });
    const [head, get] = [
      await raw('HEAD', { bucket: Bucket, key: Key }),
      await raw('GET', { bucket: Bucket, key: Key }),
    ];
    same('body of HEAD', head.body, '');
    const names = ['content-length', 'etag', 'last-modified', 'content-type', 'cache-control'];
    for (const name of [...names, 'accept-ranges', 'x-amz-meta-color', 'x-amz-version-id'])
      same(name, head.headers[name], get.headers[name]);
    same('accept-ranges', get.headers['accept-ranges'], 'bytes');
    matches('last-modified', get.headers['last-modified'], /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  },
);

export const newObjectsAreEncryptedWithSseS3 = behaviour(
  'S3 encrypts every new object with SSE-S3 by default, and PutObject and HeadObject say so.',
  s3Guide('default-encryption-faq'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    same('PUT', (await put(Bucket, Key, 'content')).ServerSideEncryption, 'AES256');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('HEAD', head.ServerSideEncryption, 'AES256');
  },
);

export const unversionedBucketsAnswerWithoutVersionIds = behaviour(
  'A bucket that was never versioned returns no version ids, and the only version of an object is `null`.',
  s3Guide('versioning-workflows'),
  async ({ bucket, key, put, read, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    same('version id of PUT', (await put(Bucket, Key, 'content')).VersionId, undefined);
    const get = await s3.send(new GetObjectCommand({ Bucket, Key }));
    await get.Body?.transformToByteArray();
    same('version id of GET', get.VersionId, undefined);
    same('GET of version null', await read(Bucket, Key, { VersionId: 'null' }), 'content');
  },
);
