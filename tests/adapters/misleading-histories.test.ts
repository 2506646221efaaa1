/** The history of one key, against a server with scripted responses. */
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { listedKinds } from '../../src/lib/aws/s3/listing/listed-kinds.ts';
import { s3Error } from '../model/scripted-aws.ts';
import { historyIds as ids } from './history-ids.ts';
import { aws, destination, forgetRequests, source, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

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

/** Scripts these pages as the responses, one after the other. */
const answerWith = (...pages: string[]): void => {
  aws.answer = (_request: IncomingMessage, response) => {
    response.setHeader('content-type', 'application/xml').end(pages.shift());
  };
};
const history = () => source().history('k');
const urls = () => aws.seen.filter(({ url }) => url.includes('versions')).map(({ url }) => url);

test('the history of a key ends at the first other key, even if the listing is truncated', async () => {
  answerWith(page(version('2') + version('9', { key: 'k-1' }), markers('k-1', '9')));
  expect(ids(await history())).toEqual(['version 2']);
  expect(urls()).toHaveLength(1);
  expect(urls()[0]).toContain('encoding-type=url');
});

test('the next page of a history begins after the last version, even if the server writes notes into its marker', async () => {
  answerWith(
    page(marker('3', { latest: true }) + version('2'), markers('k%5Bcache%3Av2%5D', '2')),
    page(marker('1')),
  );
  expect(ids(await history())).toEqual(['marker 3', 'version 2', 'marker 1']);
  expect(urls()[1]).toContain('key-marker=k&');
  expect(urls()[1]).toContain('version-id-marker=2');
});

test('a history continues after an empty page', async () => {
  answerWith(page(version('2'), markers('k', '2')), page('', markers('k', '1x')), page(version('1')));
  expect(ids(await history())).toEqual(['version 2', 'version 1']);
});

test('a history whose server repeats a marker ends as an error', async () => {
  // A reader that does not compare the markers of two pages would report no error here.
  answerWith(page('', markers('k', '2')), page('', markers('k', '2')), page(version('1')));
  await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
});

test('a history takes keys unchanged from a server that does not encode them', async () => {
  answerWith(
    page(version('1', { key: 'a+%41' }) + version('9', { key: 'a+%41-' })).replace(
      '<EncodingType>url</EncodingType>',
      '<EncodingType/>',
    ),
  );
  expect(ids(await source().history('a+%41'))).toEqual(['version 1']);
});

test('a history is refused if the server lists delete markers apart from versions, because their order is unknown', async () => {
  const apart = (entries: string) => page(`${marker('m')}<MaxKeys>9</MaxKeys>${entries}`);
  answerWith(apart(version('1')));
  await expect(history()).rejects.toMatchObject({ reason: 'invalid-request' });
  answerWith(apart(''));
  expect(ids(await history())).toEqual(['marker m']);
});

test('a history is refused if its current version is not first', async () => {
  answerWith(page(marker('m') + version('1', { latest: true })));
  await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
});

test('a history is refused if its document is cut off', async () => {
  const whole = page(version('2') + version('1'));
  answerWith(...Array.from({ length: 3 }, () => whole.slice(0, whole.lastIndexOf('<Version>'))));
  await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
  expect(() => listedKinds(whole.slice(0, -5))).toThrow('cut off');
  expect(listedKinds(whole).kinds).toEqual(['version', 'version']);
});

test('a history is refused if the answer does not say whether it is complete', async () => {
  answerWith(page(version('1')).replace('<IsTruncated>false</IsTruncated>', ''));
  await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
});

test('a history answered 200 with an error in its body fails with that error', async () => {
  aws.answer = (_request, response) => s3Error(response, 200, 'InternalError');
  await expect(history()).rejects.toMatchObject({ reason: 'service-error' });
});

test('a history of the destination requests only the pages that are read', async () => {
  answerWith(page(marker('3', { latest: true }) + version('2'), markers('k', '2')), page(version('1')));
  for await (const entry of destination().history('k')) {
    expect(entry.versionId).toBe('3');
    break;
  }
  expect(urls()).toHaveLength(1);
});
