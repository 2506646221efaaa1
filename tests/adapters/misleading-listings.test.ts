/** Pages of a bucket's listing that no correct S3 would answer. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createListings } from '../../src/lib/aws/s3/bucket-listing.ts';
import { BEGINNING, type Marker } from '../../src/lib/listing/page.ts';
import { testRule } from '../model/settings.ts';
import { aws, forgetRequests, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const FIELDS =
  '<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size>';

/** Answers a truncated page with these keys, whatever is requested. */
const answer = (...keys: string[]): void => {
  aws.answer = ({ url }, response) => {
    const isOfVersions = url?.includes('versions') === true;
    const [root, element] = isOfVersions
      ? ['ListVersionsResult', 'Version']
      : ['ListBucketResult', 'Contents'];
    const more = isOfVersions ? '<VersionId>1</VersionId><IsLatest>true</IsLatest>' : '';
    const entries = keys.map((key) => `<${element}><Key>${key}</Key>${more}${FIELDS}</${element}>`).join('');
    response
      .setHeader('content-type', 'application/xml')
      .end(`<${root}><IsTruncated>true</IsTruncated>${entries}</${root}>`);
  };
};

const list = async (versions: 'all' | 'latest', after: Marker, prefix = '') =>
  await createListings(aws.clients, new AbortController().signal).source(
    testRule(),
    versions,
  )({ prefix, after, maxKeys: 1_000 });

const MISLEADING: { listing: string; keys: string[]; after: Marker; what: string }[] = [
  { listing: 'in another order', keys: ['b', 'a'], after: BEGINNING, what: '"a" after "b"' },
  // JavaScript and Java compare texts in this order.
  { listing: 'in the order of UTF-16', keys: ['\u{1f600}', '\uff5e'], after: BEGINNING, what: 'after' },
  {
    listing: 'from the beginning again',
    keys: ['a', 'b'],
    after: { key: 'b', versionId: null },
    what: '"a" after "b"',
  },
  {
    listing: 'from the last key of the page before',
    keys: ['b', 'c'],
    after: { key: 'b', versionId: null },
    what: '"b" after "b"',
  },
  {
    listing: 'of another prefix',
    keys: ['folder', 'other'],
    after: BEGINNING,
    what: '"other" below "folder"',
  },
];

test.each(
  MISLEADING.flatMap((each) => (['latest', 'all'] as const).map((versions) => ({ ...each, versions }))),
)(
  'a listing $listing (versions: $versions) is an error, and is not compared',
  async ({ versions, keys, after, what }) => {
    answer(...keys);
    const prefix = keys[0] === 'folder' ? 'folder' : '';
    await expect(list(versions, after, prefix)).rejects.toMatchObject({
      reason: 'invalid-request',
      message: expect.stringContaining(what),
    });
  },
);

test('versions of one key follow each other, also on the page after a version of this key', async () => {
  answer('a', 'a', 'b', '\uff5e', '\u{1f600}');
  const { entries } = await list('all', { key: 'a', versionId: '2' });
  expect([...entries].map(({ key }) => key)).toEqual(['a', 'a', 'b', '\uff5e', '\u{1f600}']);
});
