/** The deployed inspect function, and the commands that use it, for the states in which an object can be. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refuseWrites } from '../../demo/refusal.ts';
import { TEMPLATE_FILE } from '../../demo/package-stack.ts';
import type { MessageCheck } from '../../src/lib/inspect/check.ts';
import type { Explanation, PlaceView } from '../../src/lib/inspect/explain.ts';
import { packaged, replicationFileOf } from './support/stages/packaged.ts';
import { openUploads } from './support/objects.ts';
import { cli, deadLetters, purge } from './support/queues.ts';
import { onlyDeadLetter } from './support/only-dead-letter.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ configuration: replicationFileOf('replication') });
});
afterAll(async () => {
  await stage?.stop();
});

/** What the function answers. */
const inspect = async (request: object): Promise<unknown> => {
  const { payload } = await stage.aws.lambda
    .function(stage.names.inspectFunction)
    .run(JSON.stringify(request));
  return JSON.parse(payload);
};

const explain = async (bucket: string, key: string, more: object = {}): Promise<Explanation> =>
  (await inspect({ inspect: 'explain', bucket, key, ...more })) as Explanation;

const onlyPlace = async (bucket: string, key: string): Promise<PlaceView> => {
  const { places } = await explain(bucket, key);
  expect(places).toHaveLength(1);
  return places[0]!;
};

test('the inspect function shows both sides of a replicated object as the replicate role sees them, and that nothing is left to do', async () => {
  const { VersionId: versionId } = await stage.put('main', 'kept', 'content', { Tagging: 'a=b' });
  await settled(stage);
  expect(await onlyPlace('main', 'kept')).toMatchObject({
    rule: 'main',
    destinationBucket: 'main-replica',
    replicaKey: 'kept',
    source: { current: { kind: 'object', state: { versionId } }, tags: { a: 'b' }, problem: null },
    replica: { current: { kind: 'object', state: { sizeBytes: 7 } }, tags: { a: 'b' }, problem: null },
    relation: {
      holds: true,
      bytes: 'same',
      stamp: { identity: `v/${versionId}`, isProven: true },
      behind: 0,
    },
    next: { kind: 'done', outcome: 'unchanged' },
  });
});

test('the inspect function names everything that is wrong with a request', async () => {
  expect(await inspect({ inspect: 'everything' })).toEqual({
    problems: [expect.stringMatching(/^"inspect" must be one of check, explain, probe/)],
  });
  expect(await inspect({ inspect: 'explain', bucket: 'main' })).toEqual({
    problems: ['"bucket" and "key" must be texts'],
  });
});

test('the inspect function has the role of the replicate function, which destinations trust, and nothing in the stack invokes it', async () => {
  const text = await readFile(join(await packaged(replicationFileOf('replication')), TEMPLATE_FILE), 'utf8');
  const { Resources: resources } = JSON.parse(text);
  const { Role, Timeout, ReservedConcurrentExecutions } = resources.InspectLambdaFunction.Properties;
  expect([Role, Timeout, ReservedConcurrentExecutions]).toEqual([
    resources.ReplicateLambdaFunction.Properties.Role,
    60,
    undefined,
  ]);
  const naming = Object.entries(resources).filter(([, each]) =>
    JSON.stringify(each).includes('InspectLambda'),
  );
  expect(naming.map(([id]) => id)).toEqual([]);
});

test('`explain` tells why an object was refused, since when, what the next hint would do, and what to type', async () => {
  const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'denied/');
  const { VersionId: versionId } = await stage.put('main', 'denied/7.jpg', 'x');
  await onlyDeadLetter(stage);
  const { stdout, stderr, exitCode } = await cli(stage, 'explain', 's3://main/denied/7.jpg');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(
    /^Not replicated since \d{4}-.*: for two minutes AWS refused .* \(access-denied\)$/,
  );
  const line = (label: string) => lines.find((each) => each.startsWith(label))?.slice(13);
  expect(line('source')).toContain(`version ${versionId} · 1 B`);
  expect(line('destination')).toBe('s3://main-replica/denied/7.jpg');
  expect(stdout).toContain('\n             no such object\n');
  expect(line('tried')).toMatch(/^since .*, 2 times · dead letter since /);
  expect(line('next hint')).toMatch(
    /^would call CopyObject with If-None-Match: \* from source version \S+; the last try ended with access-denied/,
  );
  expect(line('then')).toContain(
    'npx s3-replicator dlq redrive --reason access-denied --prefix denied/7.jpg',
  );
  expect(line('log')).toMatch(/^\S+ \S+  retry  access-denied  PutObject in destination bucket main-replica/);
  expect(stdout).toMatch(/\n {13}\S+ \S+  quarantined  access-denied {2}/);
  const logs = await cli(stage, 'logs', '--rule', 'main', '--key', 'denied/7.jpg', '--json');
  const messages = logs.stdout
    .trim()
    .split('\n')
    .map((each): { message: string } => JSON.parse(each));
  expect(messages.map(({ message }) => message)).toEqual(['retry', 'quarantined']);
  // Nothing was changed, and the letter can be received by the next command.
  expect(await deadLetters(stage)).toHaveLength(1);
  await allow();
});

test('a replica is mapped back to its source, and a key that no rule wants gets the reason', async () => {
  await stage.put('shared', 'reports/q3.pdf', 'x');
  await settled(stage);
  const mapped = await explain('archive', 'acme/q3.pdf');
  expect(mapped).toMatchObject({ bucket: 'shared', key: 'reports/q3.pdf', isMappedBack: true });
  expect(mapped.places.map(({ destination }) => destination)).toEqual(['archive', 'copy']);
  expect((await explain('shared', 'reports/q3.doc')).rules).toEqual([
    { rule: 'reports', why: 'its keys end with ".pdf"' },
    { rule: 'images', why: 'its keys begin with "images/"' },
  ]);
  expect(await explain('nobodys', 'x')).toMatchObject({ rules: [], places: [] });
});

/** Resolves to what the action `check` of the function says about each letter, by key. */
const checked = async (): Promise<Record<string, string>> => {
  const letters = await deadLetters(stage);
  const messages = letters.map(({ body }) => ({ queue: 'live', body }));
  const { checks } = (await inspect({ inspect: 'check', messages })) as { checks: MessageCheck[] };
  return Object.fromEntries(
    checks.map(({ verdict, what, isProbed }, index) => [
      decodeURIComponent(letters[index]?.attributes['key'] ?? ''),
      `${verdict} ${what}${isProbed ? ' probed' : ''}`,
    ]),
  );
};

test('`dlq check` says which dead letters would fail now, leaves no upload behind, and counts no attempt', async () => {
  purge(stage);
  const allow = await refuseWrites(stage.destination.s3(), 'main-replica', 'denied/');
  await stage.put('main', 'denied/8.jpg', 'x');
  await onlyDeadLetter(stage);
  await stage.put('main', 'cold 2', 'x', { StorageClass: 'GLACIER' });
  await settled(stage);
  const before = await deadLetters(stage);
  const cold = 'fails archived';
  expect(await checked()).toEqual({ 'denied/8.jpg': 'fails access-denied', 'cold 2': cold });
  await allow();
  expect(await checked()).toEqual({ 'denied/8.jpg': 'acts CopyObject probed', 'cold 2': cold });
  expect(await openUploads(stage, 'main-replica')).toEqual([]);
  const { stdout, exitCode } = await cli(stage, 'dlq', 'check');
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^2 dead letters checked in .*: 1 would fail again, 1 would succeed\n/);
  expect(stdout).toContain('then  npx s3-replicator dlq redrive --reason access-denied');
  expect(await deadLetters(stage)).toEqual(before);
});

test('the state of a key without an object, of an archived and of a deleted object is told by what the next hint would do', async () => {
  expect((await onlyPlace('main', 'never written')).next).toMatchObject({
    kind: 'done',
    outcome: 'source-gone',
  });
  await stage.put('main', 'cold', 'x', { StorageClass: 'DEEP_ARCHIVE' });
  expect((await onlyPlace('main', 'cold')).next).toMatchObject({ kind: 'fails', reason: 'archived' });
});

test('`dlq discard` makes the deployment forget the letter, so that the next backfill may report the key again', async () => {
  // An earlier test may have left an event whose letter would come after the purge.
  await settled(stage);
  purge(stage);
  await stage.put('main', 'cold 3', 'x', { StorageClass: 'GLACIER' });
  await settled(stage);
  expect((await onlyPlace('main', 'cold 3')).hasLetter).toBe(true);
  const folder = await mkdtemp(join(tmpdir(), 'discard-'));
  const file = join(folder, 'letters.ndjson');
  const more = ['--prefix', 'cold 3', '--expect', '1', '--export', file];
  const { stderr, exitCode } = await cli(stage, 'dlq', 'discard', ...more);
  expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
  expect(await readFile(file, 'utf8')).toContain('"key":"cold 3"');
  await rm(folder, { recursive: true });
  expect(await deadLetters(stage)).toEqual([]);
  expect((await onlyPlace('main', 'cold 3')).hasLetter).toBe(false);
});
