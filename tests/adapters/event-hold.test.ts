/** Object Lock's event hold, which the local S3 does not know: from a server that answers as it is told. */
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

test('a source version under one is refused with a reason, not tried again and again', async () => {
  const source = aws.buckets.source(testRule());
  const refused = { reason: 'object-lock', disposition: 'quarantine' };
  await expect(source.open('k', null)).rejects.toMatchObject(refused);
  await expect(source.head('k', 'v1')).rejects.toMatchObject(refused);
  await expect(source.look('k')).rejects.toMatchObject(refused);
});

test('a replica that its bucket holds by default can be looked at', async () => {
  const destination = aws.buckets.destination(testDestination());
  expect(await destination.look('k')).toMatchObject({ state: { lock: { retention: null } } });
});
