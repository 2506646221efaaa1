/** The history of one key: S3's own order, exactly this key, to the end. */
import type { IncomingMessage } from 'node:http';
import {
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listedKinds } from '../../src/lib/aws/s3/listed-kinds.ts';
import type { HistoryEntry } from '../../src/lib/model/ports.ts';
import { type ScriptedAws, s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

const ids = (entries: HistoryEntry[]): string[] =>
  entries.map(({ kind, versionId }) => `${kind} ${versionId}`);

describe('from the local S3', () => {
  let local: LocalBuckets;
  beforeAll(async () => {
    local = await startLocalBuckets();
    local.createSource('source');
    local.createSource('never-versioned', { VersioningConfiguration: undefined });
    local.createSource('suspended');
  });
  afterAll(async () => {
    await local[Symbol.asyncDispose]();
  });

  const history = (key: string, bucket = 'source') =>
    local.buckets.source(testRule({ source: { ...testRule().source, bucket } })).history(key);

  /** Answers what {@link ids} should: `null` deletes. */
  const write = async (s3: S3Client, Key: string, bodies: (string | null)[], Bucket = 'source') => {
    const written: string[] = [];
    for (const Body of bodies) {
      const command =
        Body === null
          ? s3.send(new DeleteObjectCommand({ Bucket, Key }))
          : s3.send(new PutObjectCommand({ Bucket, Key, Body }));
      const { VersionId = 'null' } = await command;
      written.unshift(`${Body === null ? 'marker' : 'version'} ${VersionId}`);
    }
    return written;
  };

  test('versions and delete markers of the same second keep the order in which they were made', async () => {
    const written = await write(local.sourceOwner, 'mixed', ['1', null, null, '2', '3', null, '4', null]);
    expect(ids(await history('mixed'))).toEqual(written);
  });

  test('a version tells its ETag, size and time', async () => {
    await write(local.sourceOwner, 'one', ['a']);
    const [entry] = await history('one');
    expect(entry).toMatchObject({
      kind: 'version',
      etag: '"0cc175b9c0f1b6a831c399e269772661"',
      sizeBytes: 1,
    });
    expect(entry?.lastModifiedMs).toBeGreaterThan(Date.parse('2020-01-01'));
  });

  test('more versions than fit on two pages come in one order, none twice', async () => {
    const bodies = Array.from({ length: 1_120 }, (_, index) => (index % 7 === 3 ? null : 'a'));
    const written = await write(local.sourceOwner, 'many', bodies);
    await write(local.sourceOwner, 'many-more', ['a']);
    expect(ids(await history('many'))).toEqual(written);
  });

  test.each([
    'a+b c%20d',
    'a%2Bb',
    'control \u0001\t\n\u007f end',
    'Prüfung 株 🌍/..//',
    '<&>"\'',
    '__proto__',
    ' ',
  ])('key %j is found among neighbours that only look alike', async (key) => {
    const written = await write(local.sourceOwner, key, ['1', null, '2']);
    for (const neighbour of [`${key}/`, `${key} `, encodeURIComponent(key) + '!']) {
      await write(local.sourceOwner, neighbour, ['x', null]);
    }
    expect(ids(await history(key))).toEqual(written);
  });

  test('a key that is only the beginning of others has no history', async () => {
    await write(local.sourceOwner, 'folder/object', ['1', null]);
    expect(await history('folder/')).toEqual([]);
    expect(await history('folder')).toEqual([]);
  });

  test('a bucket that was never versioned lists its object as the null version', async () => {
    await write(local.sourceOwner, 'k', ['1', '2'], 'never-versioned');
    expect(ids(await history('k', 'never-versioned'))).toEqual(['version null']);
  });

  test('null versions and null markers stand where they were written', async () => {
    const earlier = await write(local.sourceOwner, 'k', ['1'], 'suspended');
    const setStatus = (Status: 'Enabled' | 'Suspended') =>
      local.sourceOwner.send(
        new PutBucketVersioningCommand({ Bucket: 'suspended', VersioningConfiguration: { Status } }),
      );
    await setStatus('Suspended');
    await write(local.sourceOwner, 'k', ['2', null], 'suspended');
    await setStatus('Enabled');
    const later = await write(local.sourceOwner, 'k', ['3'], 'suspended');
    expect(ids(await history('k', 'suspended'))).toEqual([...later, 'marker null', ...earlier]);
  });

  test('a bucket that is not there is an error', async () => {
    await expect(history('k', 'no-such-bucket-at-all')).rejects.toMatchObject({ reason: 'no-such-bucket' });
  });
});

describe('from a server that answers as it is told', () => {
  let aws: ScriptedAws;
  beforeAll(async () => {
    aws = await startScriptedAws();
  });
  afterAll(async () => {
    await aws[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    aws.seen.length = 0;
  });

  const version = (id: string, { key = 'k', latest = false } = {}) =>
    `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest>` +
    '<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size>' +
    '<Owner><ID>o</ID><DisplayName>&lt;Version&gt;</DisplayName></Owner></Version>';
  const marker = (id: string, { key = 'k', latest = false } = {}) =>
    `<DeleteMarker><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest>` +
    '<LastModified>2026-01-01T00:00:00.000Z</LastModified><Owner><ID>o</ID></Owner></DeleteMarker>';
  const page = (entries: string, next = '') =>
    '<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>source</Name>' +
    `<IsTruncated>${next !== ''}</IsTruncated><EncodingType>url</EncodingType>${next}${entries}</ListVersionsResult>`;
  const markers = (key: string, id: string) =>
    `<NextKeyMarker>${key}</NextKeyMarker><NextVersionIdMarker>${id}</NextVersionIdMarker>`;

  /** One page after the other. */
  const answerWith = (...pages: string[]): void => {
    aws.answer = (_request: IncomingMessage, response) => {
      response.setHeader('content-type', 'application/xml').end(pages.shift());
    };
  };
  const history = () => aws.buckets.source(testRule()).history('k');
  const urls = () => aws.seen.filter(({ url }) => url.includes('versions')).map(({ url }) => url);

  test('neighbours end the listing, truncated or not', async () => {
    answerWith(page(version('2') + version('9', { key: 'k-1' }), markers('k-1', '9')));
    expect(ids(await history())).toEqual(['version 2']);
    expect(urls()).toHaveLength(1);
    expect(urls()[0]).toContain('encoding-type=url');
  });

  test('the next page begins behind the last version, whatever else the server writes into its marker', async () => {
    answerWith(
      page(marker('3', { latest: true }) + version('2'), markers('k%5Bcache%3Av2%5D', '2')),
      page(marker('1')),
    );
    expect(ids(await history())).toEqual(['marker 3', 'version 2', 'marker 1']);
    expect(urls()[1]).toContain('key-marker=k&');
    expect(urls()[1]).toContain('version-id-marker=2');
  });

  test('an empty page in between is passed over', async () => {
    answerWith(page(version('2'), markers('k', '2')), page('', markers('k', '1x')), page(version('1')));
    expect(ids(await history())).toEqual(['version 2', 'version 1']);
  });

  test('a listing that goes in circles ends as an error', async () => {
    // Without a look at the markers it would end well.
    answerWith(page('', markers('k', '2')), page('', markers('k', '2')), page(version('1')));
    await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test('keys of a server that does not encode them are taken as they are', async () => {
    answerWith(
      page(version('1', { key: 'a+%41' }) + version('9', { key: 'a+%41-' })).replace(
        '<EncodingType>url</EncodingType>',
        '<EncodingType/>',
      ),
    );
    expect(ids(await aws.buckets.source(testRule()).history('a+%41'))).toEqual(['version 1']);
  });

  test('a server that lists markers apart from versions is refused: their order cannot be known', async () => {
    const apart = (entries: string) => page(`${marker('m')}<MaxKeys>9</MaxKeys>${entries}`);
    answerWith(apart(version('1')));
    await expect(history()).rejects.toMatchObject({ reason: 'invalid-request' });
    answerWith(apart(''));
    expect(ids(await history())).toEqual(['marker m']);
  });

  test('a current version that is not the first is refused: the order is another', async () => {
    answerWith(page(marker('m') + version('1', { latest: true })));
    await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test('a document that breaks off is no history', async () => {
    const whole = page(version('2') + version('1'));
    answerWith(...Array.from({ length: 3 }, () => whole.slice(0, whole.lastIndexOf('<Version>'))));
    await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
    expect(() => listedKinds(whole.slice(0, -5))).toThrow('cut off');
    expect(listedKinds(whole).kinds).toEqual(['version', 'version']);
  });

  test('an answer that does not say whether it is all is no history', async () => {
    answerWith(page(version('1')).replace('<IsTruncated>false</IsTruncated>', ''));
    await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test('a 200 with an error in its body is that error', async () => {
    aws.answer = (_request, response) => s3Error(response, 200, 'InternalError');
    await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test('the destination is asked for no page more than is looked at', async () => {
    answerWith(page(marker('3', { latest: true }) + version('2'), markers('k', '2')), page(version('1')));
    for await (const entry of aws.buckets.destination(testDestination()).history('k')) {
      expect(entry.versionId).toBe('3');
      break;
    }
    expect(urls()).toHaveLength(1);
  });
});
