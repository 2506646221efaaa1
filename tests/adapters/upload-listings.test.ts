/** Listings of uploads and of their parts, against a server with scripted responses. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { s3Error } from '../model/scripted-aws.ts';
import { collected } from './collected.ts';
import { aws, destination, forgetRequests, s3Requests, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const answerText = (text: string): void => {
  aws.answer = (_request, response) => response.end(text);
};

describe('ListParts', () => {
  const parts = (after = 0) => collected(destination().parts({ key: 'k', uploadId: 'u', after }));
  const part = (number: number) =>
    `<Part><PartNumber>${number}</PartNumber><ETag>"${number}"</ETag><Size>5</Size>` +
    `<LastModified>2026-11-22T00:00:00Z</LastModified><ChecksumCRC32>abc=</ChecksumCRC32></Part>`;
  const page = (numbers: number[], isTruncated: boolean | null, more = '') =>
    `<R>${isTruncated === null ? '' : `<IsTruncated>${isTruncated}</IsTruncated>`}${more}${numbers.map(part).join('')}</R>`;

  test('ListParts continues after the last part of each page, and keeps checksums', async () => {
    aws.answer = ({ url = '' }, response) => {
      const marker = Number(new URL(url, 'http://s3').searchParams.get('part-number-marker') ?? 0);
      response.end(page([marker + 1, marker + 2], marker < 6));
    };
    const listed = await parts(2);
    expect(listed.map(({ partNumber }) => partNumber)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(listed[0]).toEqual({
      partNumber: 3,
      etag: '"3"',
      sizeBytes: 5,
      lastModifiedMs: Date.UTC(2026, 10, 22),
      checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'abc=' },
    });
  });

  test('ListParts requests a page only when the reader needs it', async () => {
    answerText(page([1, 2], true));
    for await (const { partNumber } of destination().parts({ key: 'k', uploadId: 'u', after: 0 }))
      if (partNumber === 2) break;
    expect(s3Requests()).toHaveLength(1);
  });

  test.each([
    ['does not say whether it is complete', page([1], null)],
    ['is empty and not complete', page([], true)],
    ['begins again', page([1], true)],
    ['lacks the size of a part', page([1], false).replace('<Size>5</Size>', '')],
  ])('an answer to ListParts that %s is refused', async (_what, text) => {
    answerText(text);
    await expect(parts()).rejects.toMatchObject({ reason: 'service-error' });
  });

  test.each([
    [404, 'NoSuchUpload', 'lost-race'],
    [404, 'NoSuchBucket', 'no-such-bucket'],
    [403, 'AccessDenied', 'access-denied'],
  ])('the answer %i %s to ListParts has the reason %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(parts()).rejects.toMatchObject({ reason });
  });
});

describe('ListMultipartUploads', () => {
  const uploads = (prefix = '') => collected(destination().uploads(prefix));
  const upload = (key: string, id: string, initiator = '<Initiator><ID>arn</ID></Initiator>') =>
    `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>2026-11-22T00:00:00Z</Initiated>${initiator}</Upload>`;
  const page = (entries: string[], isTruncated: boolean | null) =>
    `<R><EncodingType>url</EncodingType>${isTruncated === null ? '' : `<IsTruncated>${isTruncated}</IsTruncated>`}${entries.join('')}</R>`;

  test('ListMultipartUploads continues after the last upload of each page, also within a key', async () => {
    const pages = [
      page([upload('a%2Bb+c', '1'), upload('a%2Bb+c', '2')], true),
      page([upload('a%2Bb+c', '3', '')], false),
    ];
    aws.answer = (_request, response) => response.end(pages[s3Requests().length - 1]);
    expect(await uploads('a')).toEqual([
      { key: 'a+b c', uploadId: '1', initiatedMs: Date.UTC(2026, 10, 22), initiator: 'arn', checksum: null },
      { key: 'a+b c', uploadId: '2', initiatedMs: Date.UTC(2026, 10, 22), initiator: 'arn', checksum: null },
      { key: 'a+b c', uploadId: '3', initiatedMs: Date.UTC(2026, 10, 22), initiator: null, checksum: null },
    ]);
    const [first, second] = s3Requests().map(({ url }) => new URL(url, 'http://s3').searchParams);
    expect([first?.get('prefix'), first?.has('key-marker')]).toEqual(['a', false]);
    expect([second?.get('key-marker'), second?.get('upload-id-marker')]).toEqual(['a+b c', '2']);
  });

  test.each([
    ['does not say whether it is complete', page([upload('k', '1')], null)],
    ['is empty and not complete', page([], true)],
    ['begins again', page([upload('k', '1')], true)],
    ['lacks a date', page([upload('k', '1').replace(/<Initiated>.*<\/Initiated>/, '')], false)],
  ])('an answer to ListMultipartUploads that %s is refused', async (_what, text) => {
    answerText(text);
    await expect(uploads()).rejects.toMatchObject({ reason: 'service-error' });
  });
});
