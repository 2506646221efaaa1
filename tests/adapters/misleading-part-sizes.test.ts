/** The sizes of a source's parts, against a server with scripted responses. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { s3Error } from '../model/scripted-aws.ts';
import { aws, forgetRequests, s3Requests, source, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const PIN = { versionId: 'v+1', etag: '"e"', sizeBytes: 10, checksum: null };

test('the size of a part is known only if the server sends the number of parts and the ETag of the object', async () => {
  const part = (headers: Record<string, string>) => {
    aws.answer = (_request, response) =>
      response.writeHead(206, { etag: '"e"', 'content-length': '7', ...headers }).end();
    return source().part('k', PIN, 2);
  };
  expect(await part({ 'x-amz-mp-parts-count': '3' })).toEqual({ parts: 3, sizeBytes: 7 });
  expect(s3Requests()[0]?.url).toContain('partNumber=2');
  expect(await part({})).toBeNull();
  expect(await part({ 'x-amz-mp-parts-count': '3', etag: '"of-the-part"' })).toBeNull();
});

const PART = { etag: '"e"', 'content-length': '7', 'x-amz-mp-parts-count': '3' };
const partAfter = (refusals: number, onGet: (response: ServerResponse) => void) => {
  let left = refusals;
  aws.answer = ({ method }, response) => {
    if (method === 'GET') onGet(response);
    else if (left-- > 0) response.writeHead(400).end();
    else response.writeHead(206, PART).end();
  };
  return source().part('k', PIN, 2);
};
const isFine = (response: ServerResponse) =>
  void response.writeHead(206, { etag: '"e"', 'content-length': '1' }).end('x');

test('a HEAD of a part that is refused once is sent again if the object can be read', async () => {
  expect(await partAfter(1, isFine)).toEqual({ parts: 3, sizeBytes: 7 });
  expect(s3Requests().map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
});

test('a HEAD of a part that stays refused fails as invalid-request', async () => {
  await expect(partAfter(Infinity, isFine)).rejects.toMatchObject({ reason: 'invalid-request' });
});

test('a HEAD of a part that is refused fails with the reason that a GET finds', async () => {
  const expired = (response: ServerResponse) => s3Error(response, 400, 'ExpiredToken');
  await expect(partAfter(Infinity, expired)).rejects.toMatchObject({ reason: 'expired-credentials' });
});
