/** What a key shows now, and what a version id names: objects, delete markers, nothing. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ScriptedAws, s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

describe('from the local S3', () => {
  let local: LocalBuckets;
  let version: string | undefined;
  let marker: string | undefined;
  beforeAll(async () => {
    local = await startLocalBuckets();
    local.createSource('source');
    const name = { Bucket: 'source', Key: 'k' };
    ({ VersionId: version } = await local.sourceOwner.send(
      new PutObjectCommand({ ...name, Body: 'a', Tagging: 'a=1&b=2' }),
    ));
    ({ VersionId: marker } = await local.sourceOwner.send(new DeleteObjectCommand(name)));
    await local.sourceOwner.send(new PutObjectCommand({ Bucket: 'source', Key: 'here', Body: 'b' }));
  });
  afterAll(async () => {
    await local[Symbol.asyncDispose]();
  });
  const source = () => local.buckets.source(testRule());

  test('a deleted key shows its delete marker, an unknown one is absent', async () => {
    expect(await source().look('k')).toEqual({ kind: 'marker', versionId: marker });
    expect(await source().look('never')).toEqual({ kind: 'absent' });
    expect(await source().look('here')).toMatchObject({ kind: 'object', state: { sizeBytes: 1 } });
  });

  test('a version is read by its id beneath a delete marker, with the number of its tags', async () => {
    expect(await source().head('k', version ?? '')).toMatchObject({ versionId: version, tagCount: 2 });
    const opened = await source().open('k', version ?? '');
    opened?.body.destroy();
    expect(opened?.state).toMatchObject({ versionId: version, tagCount: 2 });
    expect(await source().open('k', null)).toBeNull();
  });

  test.each(['marker', 'gone'])('a version id that names a %s is no version', async (kind) => {
    const id = kind === 'marker' ? (marker ?? '') : 'null';
    expect(await source().head('k', id)).toBeNull();
    expect(await source().open('k', id)).toBeNull();
    expect(await source().tags('k', id)).toBeNull();
    expect(await source().acl('k', id)).toBeNull();
  });

  test('a pinned version that has become a delete marker is a lost race', async () => {
    const pin = await source().head('k', version ?? '');
    if (pin === null || marker === undefined) throw new Error('the version is gone');
    const became = { ...pin, versionId: marker };
    await expect(source().read('k', became, { kind: 'whole' })).rejects.toMatchObject({
      reason: 'lost-race',
    });
    await expect(source().part('k', became, 1)).rejects.toMatchObject({ reason: 'lost-race' });
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
  const source = () => aws.buckets.source(testRule());
  const sides = [
    ['source', () => aws.buckets.source(testRule())],
    ['destination', () => aws.buckets.destination(testDestination())],
  ] as const;

  test.each(sides)('%s: the headers of a 404 tell a marker from nothing', async (_name, bucket) => {
    const answer = (headers: Record<string, string>) => {
      aws.answer = (_request, response) => response.writeHead(404, headers).end();
    };
    answer({ 'X-Amz-Delete-Marker': 'true', 'X-Amz-Version-Id': 'm1' });
    expect(await bucket().look('k')).toEqual({ kind: 'marker', versionId: 'm1' });
    answer({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'null' });
    expect(await bucket().look('k')).toEqual({ kind: 'marker', versionId: 'null' });
    answer({ 'x-amz-delete-marker': 'false' });
    expect(await bucket().look('k')).toEqual({ kind: 'absent' });
  });

  test.each(sides)('%s: a version that may not be read is an error and not gone', async (_name, bucket) => {
    aws.answer = (_request, response) => response.writeHead(403).end();
    await expect(bucket().head('k', 'v1')).rejects.toMatchObject({ reason: 'access-denied' });
    await expect(bucket().look('k')).rejects.toMatchObject({ reason: 'access-denied' });
  });

  test('a bucket that is not there is an error to whoever reads a version', async () => {
    aws.answer = (_request, response) => s3Error(response, 404, 'NoSuchBucket');
    const denied = { reason: 'no-such-bucket' };
    await expect(source().open('k', 'v1')).rejects.toMatchObject(denied);
    await expect(source().tags('k', 'v1')).rejects.toMatchObject(denied);
    await expect(source().acl('k', null)).rejects.toMatchObject(denied);
  });

  test('405 without a version named is no absence', async () => {
    aws.answer = (_request, response) => s3Error(response, 405, 'MethodNotAllowed');
    await expect(source().open('k', null)).rejects.toMatchObject({ reason: 'lost-race' });
    expect(await source().open('k', 'v1')).toBeNull();
  });

  test('a bodiless 400 for a version is asked about with a GET of that version', async () => {
    aws.answer = (request, response) =>
      request.method === 'HEAD' ? response.writeHead(400).end() : s3Error(response, 400, 'InvalidRequest');
    await expect(source().head('k', 'v1')).rejects.toMatchObject({ reason: 'sse-c' });
    expect(aws.seen.find(({ method }) => method === 'GET')?.url).toContain('versionId=v1');
  });

  test('a bodiless 400 of the destination is taken for expired credentials, which are fetched anew', async () => {
    const assumed = () => aws.seen.filter(({ headers }) => headers.authorization?.includes('/sts/')).length;
    const destination = aws.buckets.destination(testDestination());
    aws.answer = (_request, response) => response.writeHead(404).end();
    await destination.look('k');
    const before = assumed();
    aws.answer = (_request, response) => response.writeHead(400).end();
    await expect(destination.look('k')).rejects.toMatchObject({ reason: 'expired-credentials' });
    await expect(destination.head('k', 'v1')).rejects.toMatchObject({ reason: 'expired-credentials' });
    expect(assumed()).toBe(before + 1);
  });

  test('object lock is read from the headers, and half a retention is not taken for none', async () => {
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
});
