/** The command line, in its own process, starts runs of the packaged stack and waits for their end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientConfig } from '@s3-replicator/local-aws';
import { type CliRun, runReplicatorCli } from '../../demo/replicator-cli.ts';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { mapConcurrently } from '../../src/lib/model/concurrency.ts';
import { historiesIn } from './support/backfill/truth.ts';
import { type RunsStage, startRunsStage } from './support/stages/runs.ts';

const OBJECTS = 40;
const TWICE = 10;
/** Objects that were in the source before the deployment, and are copied from a shell before the backfill. */
const COPIED = ['copied/a', 'copied/b'];
const LIMITED = 40;

let stage: RunsStage;
let directory: string;

beforeAll(async () => {
  stage = await startRunsStage(async ({ source }) => {
    await mapConcurrently([...Array(OBJECTS).keys()], 24, async (index) => {
      await source
        .s3()
        .send(new PutObjectCommand({ Bucket: 'current', Key: `in/${index}`, Body: `body ${index}` }));
    });
    for (const key of COPIED)
      await source.s3().send(new PutObjectCommand({ Bucket: 'whole', Key: key, Body: key }));
    for (let index = 0; index < LIMITED; index += 1)
      await source.s3().send(new PutObjectCommand({ Bucket: 'locked', Key: `latest/${index}`, Body: 'x' }));
    for (let index = 0; index < TWICE; index += 1)
      await source
        .s3()
        .send(new PutObjectCommand({ Bucket: 'twice', Key: `${index}`, Body: `body ${index}` }));
  });
  for (const [key, body] of [
    ['copy/0', 'body 0'],
    ['copy/1', 'of somebody else'],
  ] as const)
    await stage.destination
      .s3('eu-central-1')
      .send(new PutObjectCommand({ Bucket: 'twice-plain', Key: key, Body: body }));
  directory = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = stage.destination.environment();
  writeFileSync(
    join(directory, 'credentials'),
    `[archive]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`,
  );
});

afterAll(async () => {
  await stage?.stop();
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

const environment = (): Record<string, string> => ({
  ...stage.source.environment(),
  AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'),
});

/** Runs the command line. Meanwhile moves the clock of the local AWS, because runs wait between their steps. */
const cli = async (...argv: string[]): Promise<CliRun> => {
  const timer = setInterval(() => stage.aws.clock.advance(1_000), 100);
  try {
    return await runReplicatorCli([...argv, '--config', stage.replicationFile], environment());
  } finally {
    clearInterval(timer);
  }
};

const LOCAL = [
  'verify',
  'start',
  '--rule',
  'current',
  '--local',
  '--destination-profile',
  'archive',
  '--json',
];

test('what a copy without the deployment has written is not written again by a backfill', async () => {
  const argv = ['s3://whole/copied', 's3://whole-replica/copy/copied', '--destination-profile', 'archive'];
  expect(await runReplicatorCli(['copy', ...argv], environment())).toMatchObject({ exitCode: 0, stderr: '' });
  const copied = await copiesAtDestination();
  expect(copied.map(({ Key }) => Key)).toEqual(COPIED.map((key) => `copy/${key}`));
  const run = await cli(
    'backfill',
    'start',
    '--rule',
    'whole',
    '--prefix',
    'copied/',
    '--yes',
    '--wait',
    '--json',
  );
  expect(JSON.parse(run.stdout).runs).toMatchObject([
    { compared: { keys: 2, hints: 0 }, checked: { same: 2 } },
  ]);
  expect(await copiesAtDestination()).toEqual(copied);
});

test('a deployment brings nothing back of what a copy has written in the other direction', async () => {
  const there = { Bucket: 'whole-replica', Key: 'copy/copied/c' };
  await stage.destination.s3().send(new PutObjectCommand({ ...there, Body: 'c' }));
  const before = await copiesAtDestination();
  const argv = ['s3://whole-replica/copy/copied', 's3://whole/copied', '--source-profile', 'archive'];
  // The endpoint of the local AWS is not one of AWS, so the copy first probes it by writing an object. The deployment would replicate this
  // object.
  await setMappings(false);
  const { exitCode, stdout } = await runReplicatorCli(['copy', ...argv], environment());
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('Copied 1 object') });
  await setMappings(true);
  await stage.untilQuiet();
  expect(await copiesAtDestination()).toEqual(before);
});

/** Enables or disables the event source mappings of the deployment, and waits until this has happened. */
const setMappings = async (isOn: boolean): Promise<void> => {
  const { lambda, clock } = stage.aws;
  const client = new LambdaClient(clientConfig(stage.aws, stage.aws.root(SOURCE_ACCOUNT)));
  for (const { uuid } of lambda.eventSources.list())
    await client.send(new UpdateEventSourceMappingCommand({ UUID: uuid, Enabled: isOn }));
  const state = isOn ? 'Enabled' : 'Disabled';
  await expect
    .poll(() => {
      clock.advance(1_000);
      return lambda.eventSources.list().every((mapping) => mapping.state === state);
    })
    .toBe(true);
};

const copiesAtDestination = async (): Promise<{ Key?: string; VersionId?: string }[]> => {
  const { Versions = [] } = await stage.destination
    .s3()
    .send(new ListObjectVersionsCommand({ Bucket: 'whole-replica', Prefix: 'copy/copied/' }));
  return Versions.map(({ Key = '', VersionId = '' }) => ({ Key, VersionId }));
};

test('a backfill started and awaited from a terminal replicates what was there, and verify --local agrees', async () => {
  const before = await cli(...LOCAL);
  expect(before).toMatchObject({ exitCode: 1 });
  expect(before.stdout.trimEnd().split('\n')).toHaveLength(OBJECTS);

  const { exitCode, stdout, stderr } = await cli('backfill', 'start', '--rule', 'current', '--yes', '--wait');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.not.stringContaining('error') });
  expect(stdout).toContain(`The destination holds all ${OBJECTS} keys of the source.`);
  expect(stdout).toContain(`${OBJECTS} keys worked on: ${OBJECTS} versions copied`);
  expect(stdout).toMatch(new RegExp(` keys +${OBJECTS} +${OBJECTS}\n`));
  const [, folder = ''] = /report {2}s3:\/\/reports\/(\S+)report\.html/.exec(stdout) ?? [];
  expect(await stage.file(`${folder}report.html`)).toContain('Agrees');
  expect(JSON.parse(await stage.file(`${folder}report.json`))).toMatchObject({
    agrees: true,
    estimate: { keys: OBJECTS, basis: 'listing' },
    used: { keys: OBJECTS },
  });

  expect(await cli(...LOCAL)).toMatchObject({ exitCode: 0, stdout: '' });
  const { stdout: list } = await cli('backfill', 'list', '--json');
  const runs: { spec: { rule: string } }[] = JSON.parse(list);
  expect(runs.filter(({ spec }) => spec.rule === 'current')).toMatchObject([
    { phase: 'finished', spec: { kind: 'backfill' } },
  ]);
});

test('a rule with two destinations is backfilled by one run each, one of them into an unversioned bucket', async () => {
  const argv = ['--rule', 'twice', '--yes', '--wait', '--json'];
  const { exitCode, stdout, stderr } = await cli('backfill', 'start', ...argv);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.not.stringContaining('error') });
  const same = { keys: TWICE, same: TWICE, missing: 0, different: 0, extra: 0 };
  expect(JSON.parse(stdout).runs).toMatchObject([
    { spec: { destination: 'twice-near' }, phase: 'finished', checked: same, compared: { hints: TWICE } },
    // One of the objects existed at the destination `twice-plain` already.
    {
      spec: { destination: 'twice-plain' },
      phase: 'finished',
      checked: same,
      compared: { hints: TWICE - 1 },
    },
  ]);
  const source = await historiesIn(stage.source.s3(), 'twice');
  expect(await historiesIn(stage.destination.s3(), 'twice-near')).toEqual(source);
  expect(await historiesIn(stage.destination.s3('eu-central-1'), 'twice-plain', 'copy/')).toEqual(source);
});

test('backfill set changes how many invocations copy for runs, and nothing of the live queue', async () => {
  const [{ id }] = JSON.parse((await cli('backfill', 'list', '--json')).stdout);
  const concurrencies = (): (number | null)[] =>
    ['live', 'backfill'].map(
      (queue) =>
        stage.aws.lambda.eventSources
          .list()
          .find(({ configuration }) => configuration.queueArn.endsWith(`-prod-${queue}`))?.configuration
          .maximumConcurrency ?? null,
    );
  const [live, before] = concurrencies();
  const { exitCode, stdout: said } = await cli('backfill', 'set', id, '--concurrency', '3');
  expect({ exitCode, said }).toEqual({
    exitCode: 0,
    said: `At most 3 invocations copy for the runs of this stack at once (before: ${before}).\n`,
  });
  expect(concurrencies()).toEqual([live, 3]);
});

test('a run with a rate comes to its end, and a run with hours waits for them', async () => {
  const { aws } = stage;
  const argv = ['--rule', 'locked', '--yes', '--estimate', 'none', '--json'];
  const limited = await cli('backfill', 'start', ...argv, '--max-requests-per-second', '10', '--wait');
  expect(JSON.parse(limited.stdout).runs).toMatchObject([
    { phase: 'finished', compared: { hints: LIMITED }, checked: { same: LIMITED } },
  ]);
  const [from, to] = [2, 3].map((hours) => new Date(aws.clock.now() + hours * 3_600_000).toISOString());
  const hours = `${from?.slice(11, 13)}:00-${to?.slice(11, 13)}:00`;
  const { stdout } = await cli('backfill', 'start', ...argv, '--hours', hours);
  const [{ id }] = JSON.parse(stdout).runs;
  expect((await cli('backfill', 'status', id)).stdout).toContain('waits for its hours');
  aws.clock.advance(2 * 3_600_000);
  expect(await stage.untilOver(id)).toMatchObject({ phase: 'finished', checked: { same: LIMITED } });
});
