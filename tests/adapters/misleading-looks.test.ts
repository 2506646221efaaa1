/**
 * Reads of the current state of a key, and of versions by their ids, against a server with scripted
 * responses.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { s3Error } from '../model/scripted-aws.ts';
import { aws, destination, forgetRequests, source, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const sides = [
  ['source', source],
  ['destination', destination],
] as const;

test.each(sides)(
  'a look at the %s distinguishes a delete marker from an absent key by the headers of the 404',
  async (_name, bucket) => {
    const answer = (headers: Record<string, string>) => {
      aws.answer = (_request, response) => response.writeHead(404, headers).end();
    };
    answer({ 'X-Amz-Delete-Marker': 'true', 'X-Amz-Version-Id': 'm1' });
    expect(await bucket().look('k')).toEqual({ kind: 'marker', versionId: 'm1' });
    answer({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'null' });
    expect(await bucket().look('k')).toEqual({ kind: 'marker', versionId: 'null' });
    answer({ 'x-amz-delete-marker': 'false' });
    expect(await bucket().look('k')).toEqual({ kind: 'absent' });
  },
);

test.each(sides)(
  'a version at the %s that may not be read is an error and does not count as gone',
  async (_name, bucket) => {
    aws.answer = (_request, response) => response.writeHead(403).end();
    await expect(bucket().head('k', 'v1')).rejects.toMatchObject({ reason: 'access-denied' });
    await expect(bucket().look('k')).rejects.toMatchObject({ reason: 'access-denied' });
  },
);

test('a read of a version in a bucket that does not exist is an error', async () => {
  aws.answer = (_request, response) => s3Error(response, 404, 'NoSuchBucket');
  const denied = { reason: 'no-such-bucket' };
  await expect(source().open('k', 'v1')).rejects.toMatchObject(denied);
  await expect(source().tags('k', 'v1')).rejects.toMatchObject(denied);
  await expect(source().acl('k', null)).rejects.toMatchObject(denied);
});

test('a 405 to a read without a version id is a lost race, and with a version id means that the version is gone', async () => {
  aws.answer = (_request, response) => s3Error(response, 405, 'MethodNotAllowed');
  await expect(source().open('k', null)).rejects.toMatchObject({ reason: 'lost-race' });
  expect(await source().open('k', 'v1')).toBeNull();
});

test('after a HEAD of a version answered 400 without a body, a GET of that version finds the reason', async () => {
  aws.answer = (request, response) =>
    request.method === 'HEAD' ? response.writeHead(400).end() : s3Error(response, 400, 'InvalidRequest');
  await expect(source().head('k', 'v1')).rejects.toMatchObject({ reason: 'sse-c' });
  expect(aws.seen.find(({ method }) => method === 'GET')?.url).toContain('versionId=v1');
});

test.each(sides)(
  'a 400 without a body at the %s that outlives pauses and new credentials is an invalid request',
  async (name, bucket) => {
    const assumed = () => aws.seen.filter(({ headers }) => headers.authorization?.includes('/sts/')).length;
    aws.answer = (_request, response) => response.writeHead(404).end();
    await bucket().look('k');
    const before = assumed();
    aws.answer = (_request, response) => response.writeHead(400).end();
    await expect(bucket().look('k')).rejects.toMatchObject({ reason: 'invalid-request' });
    if (name === 'destination') expect(assumed()).toBeGreaterThan(before);
  },
);

test('after a 400 without a body at the destination, a GET finds that the credentials have expired', async () => {
  aws.answer = (request, response) =>
    request.method === 'HEAD' ? response.writeHead(400).end() : s3Error(response, 400, 'ExpiredToken');
  await expect(destination().look('k')).rejects.toMatchObject({ reason: 'expired-credentials' });
});

test('a HEAD answered 400 and a GET answered 404 do not hide a delete marker', async () => {
  let heads = 0;
  const marker = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'm1' };
  aws.answer = ({ method }, response) => {
    if (method === 'GET') s3Error(response, 404, 'NoSuchKey');
    else if (heads++ === 0) response.writeHead(400).end();
    else response.writeHead(404, marker).end();
  };
  expect(await source().look('k')).toEqual({ kind: 'marker', versionId: 'm1' });
});

test('a look reads the object lock from the headers, and refuses a retention without a date', async () => {
  const answer = (headers: Record<string, string>) => {
    aws.answer = (_request, response) =>
      response.writeHead(200, { etag: '"e"', 'content-length': '1', ...headers }).end();
  };
  const until = '2030-01-02T03:04:05.678Z';
  answer({
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': until,
    'x-amz-object-lock-legal-hold': 'ON',
    'x-amz-tagging-count': '3',
  });
  expect(await source().look('k')).toMatchObject({
    state: {
      tagCount: 3,
      lock: { retention: { mode: 'COMPLIANCE', untilMs: Date.parse(until) }, legalHold: true },
    },
  });
  answer({ 'x-amz-object-lock-legal-hold': 'OFF' });
  expect(await source().look('k')).toMatchObject({
    state: { tagCount: 0, lock: { retention: null, legalHold: false } },
  });
  answer({ 'x-amz-object-lock-mode': 'COMPLIANCE' });
  await expect(source().look('k')).rejects.toMatchObject({ reason: 'service-error' });
});

test('metadata that S3 cannot return makes a source version unreadable, but not the object at the destination that is replaced', async () => {
  aws.answer = (_request, response) =>
    response.writeHead(200, { etag: '"e"', 'content-length': '1', 'x-amz-missing-meta': '2' }).end();
  await expect(source().look('k')).rejects.toMatchObject({ reason: 'invalid-request' });
  expect(await destination().look('k')).toMatchObject({ kind: 'object', state: { etag: '"e"' } });
});
