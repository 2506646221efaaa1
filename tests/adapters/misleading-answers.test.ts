/** Attributes and restores, against a server with scripted responses that no correct S3 would send. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NO_LOCK, REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { type ScriptedAws, s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';

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
const destination = () => aws.buckets.destination(testDestination());
const s3Requests = () => aws.seen.filter(({ headers }) => !headers.authorization?.includes('/sts/'));

describe('restoring', () => {
  const request = { days: 3, tier: 'Bulk' } as const;

  /**
   * Scripts a server that refuses each restore with days, and that reports `storageClass` in response to
   * HEAD. Returns the bodies of the restore requests.
   */
  const refuseDays = (code: string, storageClass: string): string[] => {
    const bodies: string[] = [];
    aws.answer = ({ method }, response, body) => {
      if (method === 'HEAD') {
        response.writeHead(200, { etag: '"e"', 'x-amz-storage-class': storageClass }).end();
        return;
      }
      bodies.push(body);
      if (body.includes('<Days>')) s3Error(response, 400, code);
      else response.writeHead(202).end();
    };
    return bodies;
  };

  // AWS responds with InvalidArgument. Other servers may respond with MalformedXML.
  test.each(['InvalidArgument', 'MalformedXML'])(
    'a restore of an Intelligent-Tiering object is repeated without days after %s',
    async (code) => {
      const bodies = refuseDays(code, 'INTELLIGENT_TIERING');
      await source().restore('k', 'v1', request);
      expect(bodies.at(-1)).toContain('<Tier>Bulk</Tier>');
      expect(bodies.map((body) => body.includes('<Days>3</Days>'))).toEqual([true, false]);
    },
  );

  test('a restore with days that is refused for any other storage class fails', async () => {
    const bodies = refuseDays('InvalidArgument', 'GLACIER');
    await expect(source().restore('k', 'v1', request)).rejects.toMatchObject({ reason: 'invalid-request' });
    expect(bodies).toHaveLength(1);
  });

  test.each([
    [403, 'InvalidObjectState', 'lost-race'],
    [403, 'ObjectAlreadyInActiveTierError', 'lost-race'],
    [403, 'AccessDenied', 'access-denied'],
    [503, 'GlacierExpeditedRetrievalNotAvailable', 'throttled'],
    [404, 'NoSuchVersion', 'lost-race'],
  ])('the answer %i %s to a restore has the reason %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(source().restore('k', 'v1', request)).rejects.toMatchObject({ reason });
  });
});

describe('grants', () => {
  const policy = (owner: string, grants: string) =>
    `<AccessControlPolicy><Owner>${owner}</Owner><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`;
  const grant = (id: string, permission: string) =>
    '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">' +
    `${id}</Grantee><Permission>${permission}</Permission></Grant>`;
  const answerAcl = (document: string) => {
    const bodies: string[] = [];
    aws.answer = ({ method }, response, body) => {
      if (method === 'PUT') bodies.push(body);
      response.end(method === 'GET' ? document : undefined);
    };
    return bodies;
  };

  test('grants that S3 repeats count once, and a grantee without an id counts as the owner', async () => {
    answerAcl(policy('<ID>me</ID>', grant('<ID>you</ID>', 'READ').repeat(2)));
    expect(await source().acl('k', null)).toEqual([
      { grantee: { kind: 'user', id: 'you' }, permission: 'READ' },
    ]);
    answerAcl(policy('<ID></ID>', grant('', 'FULL_CONTROL')));
    expect(await source().acl('k', null)).toEqual([]);
  });

  test('a grant to the owner of the replica is covered by its full control', async () => {
    const bodies = answerAcl(policy('<ID>me</ID>', grant('<ID>me</ID>', 'FULL_CONTROL')));
    await destination().putAcl('k', 'v1', [{ grantee: { kind: 'user', id: 'me' }, permission: 'READ' }]);
    expect(bodies[0]?.match(/<Permission>\w+/g)).toEqual(['<Permission>FULL_CONTROL']);
    expect(s3Requests().map(({ url }) => url.includes('versionId=v1'))).toEqual([true, true]);
  });

  test('grants are not written if the answer names no owner', async () => {
    const bodies = answerAcl('<AccessControlPolicy><AccessControlList/></AccessControlPolicy>');
    await expect(destination().putAcl('k', null, [])).rejects.toMatchObject({ reason: 'service-error' });
    expect(bodies).toEqual([]);
  });
});

describe('writing', () => {
  const write = (fields: Partial<typeof REPLICA_ATTRIBUTES>) =>
    destination().put({
      key: 'k',
      body: Buffer.from('a'),
      sizeBytes: 1,
      attributes: { ...REPLICA_ATTRIBUTES, ...fields },
      precondition: { kind: 'absent' },
      guard: { kind: 'none' },
    });
  const lock = {
    retention: { mode: 'COMPLIANCE', untilMs: Date.UTC(2030, 0, 2, 3, 4, 5) },
    legalHold: false,
  } as const;

  test('tags are sent encoded as the query of a URL, and without tags there is no header', async () => {
    aws.answer = (_request, response) => response.writeHead(200, { etag: '"e"' }).end();
    const tags = { 'a&b=c': '100 % + ü', d: '' };
    await write({ tags });
    const header = s3Requests()[0]?.headers['x-amz-tagging'];
    expect(header).toBe('a%26b%3Dc=100%20%25%20%2B%20%C3%BC&d=');
    expect(Object.fromEntries(new URLSearchParams(String(header)))).toEqual(tags);
    await write({ tags: {} });
    expect(s3Requests()[1]?.headers).not.toHaveProperty('x-amz-tagging');
  });

  test('a locked write sends its lock, and no header about a legal hold that it does not have', async () => {
    aws.answer = (_request, response) => response.writeHead(200, { etag: '"e"' }).end();
    await write({ lock });
    const { headers } = s3Requests()[0]!;
    expect(headers).toMatchObject({ 'x-amz-object-lock-mode': 'COMPLIANCE' });
    expect(Date.parse(String(headers['x-amz-object-lock-retain-until-date']))).toBe(lock.retention.untilMs);
    expect(headers).not.toHaveProperty('x-amz-object-lock-legal-hold');
  });

  test.each([
    ['locked', lock, 'InvalidRequest', 'object-lock'],
    ['not locked', NO_LOCK, 'InvalidRequest', 'invalid-request'],
    ['locked', lock, 'InvalidArgument', 'invalid-request'],
    ['locked', lock, 'AccessDenied', 'access-denied'],
  ])('an error to a write that is %s (%j): %s has the reason %s', async (_name, itsLock, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, code === 'AccessDenied' ? 403 : 400, code);
    await expect(write({ lock: itsLock })).rejects.toMatchObject({ reason, requestId: 'REQUEST1' });
  });

  test.each([
    [412, 'PreconditionFailed', 'lost-race'],
    [409, 'ConditionalRequestConflict', 'lost-race'],
    [404, 'NoSuchKey', 'lost-race'],
    [404, 'NoSuchBucket', 'no-such-bucket'],
    [403, 'AccessDenied', 'access-denied'],
  ])('the answer %i %s to a conditional delete has the reason %s', async (status, code, reason) => {
    aws.answer = (_request, response) => s3Error(response, status, code);
    await expect(destination().remove({ key: 'k', etag: '"e"' })).rejects.toMatchObject({ reason });
    expect(s3Requests()[0]?.headers['if-match']).toBe('"e"');
  });
});
