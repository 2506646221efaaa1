/**
 * A verify of all attributes detects changes that cause no event, and changes at the destination alone. A repair undoes the
 * differences.
 */
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
import { type RunsStage, startRunsStage } from './support/stages/runs.ts';

const DAY_MS = 86_400_000;
const RULES = [
  ['locked', 'latest/'],
  ['locked-history', 'all/'],
] as const;

let stage: RunsStage;
beforeAll(async () => {
  stage = await startRunsStage();
});
afterAll(async () => {
  await stage?.stop();
});

/** Returns a date in whole seconds, because S3 stores no fractions. */
const inDays = (days: number): Date =>
  new Date(Math.floor((stage.aws.clock.now() + days * DAY_MS) / 1_000) * 1_000);

const put = async (Key: string): Promise<void> => {
  const object = { Bucket: 'locked', Key, Body: Key, ContentType: 'text/plain', Metadata: { owner: 'us' } };
  await stage.source.s3().send(new PutObjectCommand(object));
};

/** Sets a retention, and returns the date of its end. */
const retain = async (
  s3: S3Client,
  object: { Bucket: string; Key: string },
  Mode: 'GOVERNANCE' | 'COMPLIANCE',
  days: number,
): Promise<Date> => {
  const RetainUntilDate = inDays(days);
  await s3.send(new PutObjectRetentionCommand({ ...object, Retention: { Mode, RetainUntilDate } }));
  return RetainUntilDate;
};

const replica = (Key: string) =>
  stage.destination.s3().send(new HeadObjectCommand({ Bucket: 'locked-replica', Key }));

/**
 * Copies a replica onto itself, as somebody at the destination would do to change its Content-Type. User metadata, including the
 * stamp, is kept, except that `owner` is set.
 */
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
  // A run checks a recently changed object again and again. Therefore the clock is moved first.
  stage.aws.clock.advance(2_000);
  const { id } = await stage.ask({ kind: 'verify', rule, attributes: 'all', repair });
  return await stage.untilOver(id);
};

test.each(RULES)(
  'rule %s: locks that became stronger after the replication are found and repaired',
  async (rule, prefix) => {
    const source = stage.source.s3();
    const keys = ['held', 'retained', 'free'].map((name) => `${prefix}${name}`);
    const [held = '', retained = ''] = keys;
    for (const key of keys) await put(key);
    await stage.waitUntilReplicated(keys.map((key) => ({ bucket: 'locked', key })));
    await source.send(
      new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: held, LegalHold: { Status: 'ON' } }),
    );
    // S3 sends an event about a retention, but none about a legal hold.
    const until = await retain(source, { Bucket: 'locked', Key: retained }, 'COMPLIANCE', 30);
    await stage.untilQuiet();

    expect((await verify(rule, false)).checked).toMatchObject({ keys: 3, same: 2, attributes: 1 });
    expect(await verify(rule, true)).toMatchObject({
      phase: 'finished',
      compared: { attributes: 1, hints: 1 },
      copied: { outcomes: { updated: 1 }, failed: 0 },
      checked: { keys: 3, same: 3, attributes: 0 },
    });
    expect((await verify(rule, false)).checked).toMatchObject({ keys: 3, same: 3, attributes: 0 });
    expect(await replica(held)).toMatchObject({ ObjectLockLegalHoldStatus: 'ON' });
    expect(await replica(retained)).toMatchObject({
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: until,
    });
  },
);

test('a repair restores a replica whose attributes were changed at the destination under the stamp', async () => {
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

test('a changed replica is reported but stays when a rule replicates all versions, since a repair would add a version', async () => {
  await put('all/changed');
  await stage.waitUntilReplicated([{ bucket: 'locked', key: 'all/changed' }]);
  await overwrite('all/changed');
  expect(await verify('locked-history', true)).toMatchObject({
    copied: { outcomes: { unchanged: 1 } },
    checked: { attributes: 1 },
  });
  expect(await replica('all/changed')).toMatchObject({ ContentType: 'text/html' });
});

test('a retention mode that only the destination may change is reported, and its time is extended', async () => {
  const key = 'latest/governed';
  await put(key);
  await stage.waitUntilReplicated([{ bucket: 'locked', key }]);
  await retain(stage.destination.s3(), { Bucket: 'locked-replica', Key: key }, 'GOVERNANCE', 5);
  const until = await retain(stage.source.s3(), { Bucket: 'locked', Key: key }, 'COMPLIANCE', 10);
  expect(await verify('locked', true)).toMatchObject({
    copied: { failed: 1, reasons: { 'access-denied': 1 } },
    checked: { attributes: 1 },
  });
  expect(await replica(key)).toMatchObject({
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: until,
  });
  const letter = {
    attributes: {
      key: encodeURIComponent(key),
      reason: 'access-denied',
      detail: expect.stringContaining('--bypass-governance-retention'),
    },
  };
  // One letter comes from the event, and one from the run.
  expect(await deadLetters(stage)).toMatchObject([letter, letter]);
});
