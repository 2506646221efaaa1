/**
 * Object Lock's event hold. The local S3 does not implement event holds, so these tests use a server with
 * scripted responses.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScriptedAws, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';

let aws: ScriptedAws;
beforeAll(async () => {
  aws = await startScriptedAws();
  aws.answer = (_request, response) =>
    response
      .writeHead(200, {
        etag: '"e"',
        'content-length': 1,
        'x-amz-object-lock-mode': 'COMPLIANCE',
        'x-amz-object-lock-event-hold': 'ON',
        'x-amz-object-lock-event-hold-duration-days': '30',
      })
      .end('a');
});
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
});

test('a source version under an event hold is refused as object-lock and not retried', async () => {
  const source = aws.buckets.source(testRule());
  const refused = { reason: 'object-lock', disposition: 'quarantine' };
  await expect(source.open('k', null)).rejects.toMatchObject(refused);
  await expect(source.head('k', 'v1')).rejects.toMatchObject(refused);
  await expect(source.look('k')).rejects.toMatchObject(refused);
});

test('a replica under an event hold of its bucket can be read', async () => {
  const destination = aws.buckets.destination(testDestination());
  expect(await destination.look('k')).toMatchObject({ state: { lock: { retention: null } } });
});
