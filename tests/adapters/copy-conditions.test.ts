/**
 * Some servers ignore the conditions of CopyObject: MinIO, versitygw and moto. Even there, a copy must not
 * overwrite an object that the replicator has not seen.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Precondition } from '../../src/lib/model/ports.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { type ScriptedAws, s3Error, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination } from '../model/settings.ts';

let aws: ScriptedAws;
/** The ETag of the object at the destination. Null if there is no object. */
let shown: string | null;
let isSourceThere: boolean;
/** One word for each copy so far: `made`, `overwritten` or `refused`. */
let copies: string[];
beforeEach(async () => {
  [shown, isSourceThere, copies] = [null, true, []];
  aws = await startScriptedAws();
});
afterEach(async () => {
  await aws[Symbol.asyncDispose]();
});

const serve = (conditions: 'checked' | 'ignored'): void => {
  aws.answer = ({ method, headers, url = '' }, response) => {
    if (!url.startsWith('/replica/')) {
      response.end(ASSUMED);
      return;
    }
    if (method === 'HEAD') {
      response
        .writeHead(shown === null ? 404 : 200, shown === null ? {} : { etag: shown, 'content-length': '1' })
        .end();
      return;
    }
    const held = headers['if-none-match'] === undefined ? headers['if-match'] === shown : shown === null;
    if (!isSourceThere || (!held && conditions === 'checked')) {
      copies.push('refused');
      if (!isSourceThere || shown === null) s3Error(response, 404, 'NoSuchKey');
      else s3Error(response, 412, 'PreconditionFailed');
      return;
    }
    copies.push(held ? 'made' : 'overwritten');
    shown = `"${copies.length}"`;
    response.end(`<R><ETag>${shown.replaceAll('"', '&quot;')}</ETag></R>`);
  };
};

const ASSUMED = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

const copy = (precondition: Precondition = { kind: 'absent' }, unchecked: 'refuse' | 'look' = 'refuse') =>
  aws.buckets.destination(testDestination()).copyObject({
    from: {
      bucket: 'source',
      account: null,
      key: 'k',
      pin: { versionId: 'v', etag: '"e"', sizeBytes: 1, checksum: null },
    },
    key: 'k',
    attributes: REPLICA_ATTRIBUTES,
    precondition,
    unchecked,
  });
const lostRace = { reason: 'lost-race' };

test('a server that checks conditions is tested once, and then each copy is one call', async () => {
  serve('checked');
  await copy();
  expect(copies).toEqual(['refused', 'made']);
  await copy({ kind: 'unchanged', etag: '"2"' });
  await expect(copy()).rejects.toMatchObject(lostRace);
  expect(copies).toEqual(['refused', 'made', 'made', 'refused']);
});

test('on a server that ignores conditions the first copy succeeds after a look, and the next copy is refused and overwrites nothing', async () => {
  serve('ignored');
  expect(await copy()).toMatchObject({ etag: '"1"' });
  await expect(copy()).rejects.toMatchObject({ reason: 'invalid-request' });
  expect(copies).toEqual(['overwritten']);
});

test('the first copy is not tried if the destination holds another object already', async () => {
  serve('ignored');
  shown = '"theirs"';
  await expect(copy()).rejects.toMatchObject(lostRace);
  expect([copies, shown]).toEqual([[], '"theirs"']);
});

test('on a server that ignores conditions a caller can ask for a look before each copy instead of a refusal', async () => {
  serve('ignored');
  await copy({ kind: 'absent' }, 'look');
  await copy({ kind: 'unchanged', etag: '"1"' }, 'look');
  shown = '"theirs"';
  await expect(copy({ kind: 'unchanged', etag: '"2"' }, 'look')).rejects.toMatchObject(lostRace);
  expect(shown).toBe('"theirs"');
});

test('a source that the server does not find proves nothing about conditions, so the next copy tests the server again', async () => {
  serve('ignored');
  isSourceThere = false;
  await expect(copy()).rejects.toMatchObject({ reason: 'no-such-bucket' });
  isSourceThere = true;
  await copy();
  await expect(copy()).rejects.toMatchObject({ reason: 'invalid-request' });
});

test('the same answer 404 means a lost race if the object to overwrite is gone', async () => {
  serve('checked');
  await expect(copy({ kind: 'unchanged', etag: '"1"' })).rejects.toMatchObject(lostRace);
});

test('concurrent first copies test the server only once', async () => {
  serve('checked');
  const ended = await Promise.allSettled([copy(), copy(), copy()]);
  expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(copies).toEqual(['refused', 'made', 'refused', 'refused']);
});
