/** What changed without an event, or at the destination alone: found and mended by verify with all attributes and repair. */
import {
  CopyObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deadLetters } from './support/queues.ts';
import { type RunsStage, startRunsStage } from './support/runs-stage.ts';

const DAY_MS = 86_400_000;
const RULES = [
  ['locked', 'latest/'],
  ['locked-history', 'all/'],
] as const;

let stage: RunsStage;
beforeAll(async () => {
  stage = await startRunsStage(undefined);
});
afterAll(async () => {
  await stage?.stop();
});

/** Whole seconds, which is what S3 keeps. */
const inDays = (days: number): Date =>
  new Date(Math.floor((stage.aws.clock.now() + days * DAY_MS) / 1_000) * 1_000);

const put = async (Key: string): Promise<void> => {
  const object = { Bucket: 'locked', Key, Body: Key, ContentType: 'text/plain', Metadata: { owner: 'us' } };
  await stage.source.s3().send(new PutObjectCommand(object));
};

const retain = async (
  s3: S3Client,
  Bucket: string,
  Key: string,
  Mode: 'GOVERNANCE' | 'COMPLIANCE',
  days: number,
) => {
  const Retention = { Mode, RetainUntilDate: inDays(days) };
  await s3.send(new PutObjectRetentionCommand({ Bucket, Key, Retention }));
  return Retention.RetainUntilDate;
};

const replica = (Key: string) =>
  stage.destination.s3().send(new HeadObjectCommand({ Bucket: 'locked-replica', Key }));

/** As somebody would at the destination who wants another Content-Type: with the metadata that were there, the stamp among them. */
const overwrite = async (Key: string): Promise<void> => {
  const { Metadata: metadata } = await replica(Key);
  const command = new CopyObjectCommand({
    Bucket: 'locked-replica',
    Key,
    CopySource: `locked-replica/${Key}`,
    MetadataDirective: 'REPLACE',
    ContentType: 'text/html',
    Metadata: { ...metadata, owner: 'them' },
  });
  await stage.destination.s3().send(command);
};

const verify = async (rule: string, repair: boolean) => {
  // What was changed just before a run is looked at again and again.
  stage.aws.clock.advance(2_000);
  const { id } = await stage.ask({ kind: 'verify', rule, attributes: 'all', repair });
  return await stage.untilOver(id);
};

test.each(RULES)('locks that became stronger after the replication: rule %s', async (rule, prefix) => {
  const source = stage.source.s3();
  const keys = ['held', 'retained', 'free'].map((name) => `${prefix}${name}`);
  const [held = '', retained = ''] = keys;
  for (const key of keys) await put(key);
  await stage.waitUntilReplicated(keys.map((key) => ({ bucket: 'locked', key })));
  await source.send(
    new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: held, LegalHold: { Status: 'ON' } }),
  );
  const until = await retain(source, 'locked', retained, 'COMPLIANCE', 30);

  expect((await verify(rule, false)).checked).toMatchObject({ keys: 3, same: 1, attributes: 2 });
  expect(await verify(rule, true)).toMatchObject({
    phase: 'finished',
    compared: { attributes: 2, hints: 2 },
    copied: { outcomes: { updated: 2 }, failed: 0 },
    checked: { keys: 3, same: 3, attributes: 0 },
  });
  expect((await verify(rule, false)).checked).toMatchObject({ keys: 3, same: 3, attributes: 0 });
  expect(await replica(held)).toMatchObject({ ObjectLockLegalHoldStatus: 'ON' });
  expect(await replica(retained)).toMatchObject({
    ObjectLockMode: 'COMPLIANCE',
    ObjectLockRetainUntilDate: until,
  });
});

test('what was changed at the destination under the stamp is as the source has it again', async () => {
  await put('latest/changed');
  await stage.waitUntilReplicated([{ bucket: 'locked', key: 'latest/changed' }]);
  await overwrite('latest/changed');
  expect(await replica('latest/changed')).toMatchObject({ ContentType: 'text/html' });
  expect(await verify('locked', true)).toMatchObject({
    compared: { attributes: 1, hints: 1 },
    copied: { outcomes: { replicated: 1 } },
    checked: { attributes: 0 },
  });
  expect(await replica('latest/changed')).toMatchObject({
    ContentType: 'text/plain',
    Metadata: { owner: 'us', s3r: expect.any(String) },
  });
});

test('with all versions it is found and stays: the history would have one more', async () => {
  await put('all/changed');
  await stage.waitUntilReplicated([{ bucket: 'locked', key: 'all/changed' }]);
  await overwrite('all/changed');
  expect(await verify('locked-history', true)).toMatchObject({
    copied: { outcomes: { unchanged: 1 } },
    checked: { attributes: 1 },
  });
  expect(await replica('all/changed')).toMatchObject({ ContentType: 'text/html' });
});

test('a mode that only somebody at the destination may change is reported, and the time is extended', async () => {
  const key = 'latest/governed';
  await put(key);
  await stage.waitUntilReplicated([{ bucket: 'locked', key }]);
  await retain(stage.destination.s3(), 'locked-replica', key, 'GOVERNANCE', 5);
  const until = await retain(stage.source.s3(), 'locked', key, 'COMPLIANCE', 10);
  expect(await verify('locked', true)).toMatchObject({
    copied: { failed: 1, reasons: { 'access-denied': 1 } },
    checked: { attributes: 1 },
  });
  expect(await replica(key)).toMatchObject({
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: until,
  });
  expect(await deadLetters(stage)).toMatchObject([
    {
      attributes: {
        key: encodeURIComponent(key),
        reason: 'access-denied',
        detail: expect.stringContaining('--bypass-governance-retention'),
      },
    },
  ]);
});
