/**
 * Somebody does something wrong to a healthy deployment, and doctor must name the cause. The fix that it prints must make everything well
 * again. `npm test` plays twenty mutants, ten at a time. The soak plays all mutants one by one, and a sample of pairs.
 * `DRAW=all MUTANTS=lifecycle` plays only some mutants.
 */
import {
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { setAwsVariables } from '../model/aws-variables.ts';
import { runAwsCommand } from './support/doctor/aws-command.ts';
import { drawnRounds } from './support/doctor/draw.ts';
import { destinationMutants } from './support/doctor/destination-mutants.ts';
import type { Mutant } from './support/doctor/mutant.ts';
import { policyMutants } from './support/doctor/policy-mutants.ts';
import { settingMutants } from './support/doctor/setting-mutants.ts';
import { type DoctorWorld, type ReportedFinding, startDoctorWorld } from './support/doctor/world.ts';
import { PROPERTY_SEED } from './support/seed.ts';

const ROUNDS = 2;
const MUTANTS_PER_ROUND = 10;
const PAIRS = 40;

describe('of a deployment in which all is well', () => {
  let world: DoctorWorld;
  beforeAll(async () => {
    world = await startDoctorWorld();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  test('doctor reports no error, and fits 80 columns', async () => {
    const { code, findings } = await world.examine();
    expect(problems(findings)).toEqual([]);
    expect(code).toBe(0);
    const { out } = await world.print();
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('the write probe leaves no object, version, delete marker or upload behind', async () => {
    const before = await replicasOf(world.stage);
    const { findings } = await world.examine();
    expect(findings.filter(({ text }) => text.startsWith('write probe'))).toHaveLength(3);
    expect(await replicasOf(world.stage)).toEqual(before);
  });

  test('a canary is replicated, timed and removed again', async () => {
    const { findings } = await world.examine('--canary', '--rule', 'notified');
    expect(findings.flatMap(({ group, text }) => (group === 'canary' ? [text] : []))).toEqual([
      expect.stringMatching(/^replicated and proven in \d+\.\d s$/),
    ]);
    const s3 = world.stage.source.s3();
    const Prefix = 'in/s3-replicator-canary-';
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: 'notified', Prefix }));
    expect(KeyCount).toBe(0);
  });

  test('what the caller may not read is not checked, and no error', async () => {
    const { aws } = world.stage;
    const { credentials } = aws.iam.createSession(putIntern(aws), 'intern', 3600);
    setAwsVariables({ endpoint: aws.endpoint, credentials });
    const { code, findings } = await world.examine();
    setAwsVariables({ endpoint: aws.endpoint, credentials: aws.root(SOURCE_ACCOUNT) });
    expect(problems(findings)).toEqual([]);
    expect(code).toBe(0);
    const texts = findings.filter(({ verdict }) => verdict === 'not-checked').map(({ text }) => text);
    expect(texts).toContain('versioning: you may not s3:GetBucketVersioning');
    expect(texts).toContain('the stack: you may not cloudformation:DescribeStacks');
  });

  test(`doctor names the cause of mutants, and its fixes put them right (seed ${PROPERTY_SEED})`, async () => {
    const { stage } = world;
    const table = [...(await policyMutants(stage)), ...settingMutants(stage), ...destinationMutants(stage)];
    const all = table.filter(({ name }) => name.includes(process.env['MUTANTS'] ?? ''));
    const missed: string[] = [];
    for (const round of drawnRounds(all, { rounds: ROUNDS, perRound: MUTANTS_PER_ROUND, pairs: PAIRS })) {
      const now = await play(world, round);
      // The whole table takes minutes, so the test prints after each round what doctor has missed.
      if (now.length > 0) console.log(`doctor missed ${now.join(', ')}`);
      missed.push(...now);
    }
    console.log(`doctor: ${all.length} mutants, missed: ${missed.length === 0 ? 'none' : missed.join(', ')}`);
    expect(missed).toEqual([]);
    expect(problems((await world.examine()).findings)).toEqual([]);
  });
});

/** Creates a role of a person who may only list buckets, and returns its ARN. */
const putIntern = (aws: DoctorWorld['stage']['aws']): string =>
  aws.iam.putRole({
    accountId: SOURCE_ACCOUNT,
    roleName: 'intern',
    assumeRolePolicy: {
      Statement: [{ Effect: 'Allow', Principal: { AWS: SOURCE_ACCOUNT }, Action: 'sts:AssumeRole' }],
    },
    policies: [{ Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: '*' }] }],
  }).arn;

const replicasOf = async ({ destination }: DoctorWorld['stage']): Promise<unknown[]> =>
  Promise.all(
    ['replicas', 'plain-replica'].map(async (Bucket) => {
      const { Versions = [], DeleteMarkers = [] } = await destination
        .s3()
        .send(new ListObjectVersionsCommand({ Bucket }));
      const { Uploads = [] } = await destination.s3().send(new ListMultipartUploadsCommand({ Bucket }));
      return [Versions.map(({ VersionId }) => VersionId), DeleteMarkers, Uploads];
    }),
  );

const problems = (findings: readonly ReportedFinding[]): string[] =>
  findings.filter(({ verdict }) => verdict === 'error').map(({ cause, text }) => `${cause}: ${text}`);

/**
 * Makes all mutants of a round. Resolves to the mutants for which doctor names no true cause, names a wrong one, or prints a fix that does
 * not help. One cause may hide another: if a role cannot be assumed, doctor sees nothing of its bucket. Therefore doctor looks again after
 * its fixes were carried out.
 */
const play = async ({ stage, examine }: DoctorWorld, round: readonly Mutant[]): Promise<string[]> => {
  const backs: (() => Promise<unknown>)[] = [];
  for (const mutant of round) backs.push(await mutant.apply(stage));
  const unseen = new Set(round);
  const blamed = new Set<Mutant>();
  let unfixed: Mutant[] = [];
  for (let look = 0; look <= Math.min(2, round.length); look++) {
    const { findings } = await examine();
    unfixed = round.filter((mutant) => isNamed(findings, causesOf(mutant, round)));
    for (const mutant of round) if (isNamed(findings, mutant.wrong ?? [])) blamed.add(mutant);
    for (const mutant of unfixed) unseen.delete(mutant);
    // On a busy machine, one of doctor's requests may reach its time limit. Then doctor has to look once more.
    if (unfixed.length === 0 && (unseen.size === 0 || look > 0)) break;
    await carryOut(stage, findings, round);
  }
  for (const back of backs.toReversed()) await back();
  return [
    ...[...unseen].map(({ name }) => `${name} (not named)`),
    ...[...blamed].map(({ name, wrong = [] }) => `${name} (named ${wrong.join(', ')})`),
    ...unfixed.flatMap(({ name, isEdited = false }) => (isEdited ? [] : [`${name} (not fixed)`])),
  ];
};

/** Runs the fixes of all errors, and of the warnings that are about the mutants. */
const carryOut = async (
  { aws }: DoctorWorld['stage'],
  findings: readonly ReportedFinding[],
  round: readonly Mutant[],
): Promise<void> => {
  const fixes = findings.flatMap(({ fix, fixAccount, cause, verdict }) =>
    /--cli-input-json|^aws cloudformation deploy /.test(fix ?? '') &&
    (verdict === 'error' || (cause !== null && isOf(round, cause)))
      ? [{ fix: fix ?? '', account: fixAccount ?? '' }]
      : [],
  );
  for (const { fix, account } of new Map(fixes.map((each) => [each.fix, each])).values())
    await runAwsCommand(aws, account, fix);
};

const causesOf = ({ causes, seenByOwner = [] }: Mutant, round: readonly Mutant[]): string[] =>
  round.length === 1 ? causes : [...causes, ...seenByOwner];

const isNamed = (findings: readonly ReportedFinding[], causes: readonly string[]): boolean =>
  findings.some(({ cause }) => cause !== null && causes.includes(cause));

const isOf = (round: readonly Mutant[], cause: string): boolean =>
  round.some(({ causes }) => causes.includes(cause));
