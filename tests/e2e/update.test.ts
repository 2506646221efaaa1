/**
 * Updates the stack of an earlier commit to today's code under live traffic, with a run and a transfer under way, rolls it back once, and
 * updates it again. No object and no message may be lost. Other tests leave one of the two stacks at an earlier commit. The soak runs it:
 * `UPDATE_FROM=named npx vitest run tests/e2e/update.test.ts` takes the commit that docs/upgrade.md names, and `UPDATE_FROM=<commit>`
 * another one.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { parseTemplate, type Template } from '@s3-replicator/local-aws/template';
import type { AwsRequest, LogLine } from '@s3-replicator/local-aws';
import { expect, test } from 'vitest';
import { TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { SOURCE_ACCOUNT, startTwoAccounts, type TwoAccounts } from '../../demo/two-accounts.ts';
import type { Run } from '../../src/lib/runs/run.ts';
import {
  namedCommit,
  newFolder,
  packageCommit,
  type PackagedRelease,
  packageNextRelease,
  packageToday,
} from '../upgrade/packaged-commit.ts';
import { atRest } from './support/at-rest.ts';
import { operationOf } from './support/operations.ts';
import { replicationFileOf } from './support/stages/packaged.ts';
import { messagesOf, waitingQueuesOf } from './support/stages/stage.ts';
import { createUploads } from './support/uploads.ts';

const MIB = 1024 ** 2;
const SEED = 5;
const { UPDATE_FROM } = process.env;
const FILE = replicationFileOf('update');
/** How many objects exist before the first deployment. A run finds them. */
const EXISTING = 40;
/** How many objects are written between two deployments. */
const WRITTEN = 30;

const NEXT = 'a release in which every format is new';
const RELEASES: [string, (folder: string) => Promise<PackagedRelease>][] = [
  ["today's code", (folder) => packageToday(FILE, folder)],
  [NEXT, (folder) => packageNextRelease(FILE, folder)],
];

/** Gives the replicate function so little time that a large object becomes a transfer. */
const shorten = ({ Resources: resources }: Template): void =>
  void Object.assign(resources['ReplicateLambdaFunction']?.Properties ?? {}, { Timeout: 30 });

const templateOf = async ({ directory }: PackagedRelease): Promise<string> => {
  const template = parseTemplate(await readFile(join(directory, TEMPLATE_FILE), 'utf8'));
  shorten(template);
  return JSON.stringify(template);
};

/** Deploys the release over the deployed one: first the template of the destination account, then the stack. */
const deploy = async ({ aws, names }: TwoAccounts, release: PackagedRelease): Promise<void> => {
  const place = { region: aws.region, accountId: '222222222222', stackName: 'update-destination-replica' };
  const parameters = Object.fromEntries(
    Object.entries(aws.cloudformation.describe(place)?.parameters ?? {}).map(([name, value]) => [
      name,
      [value].flat().join(','),
    ]),
  );
  const destination = { ...place, template: release.destinationTemplate, parameters };
  if (aws.cloudformation.preview(destination) !== null) await aws.cloudformation.deploy(destination);
  await aws.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: aws.region,
    stackName: names.stack,
    template: await templateOf(release),
    artifacts: release.directory,
  });
};

/** While `isOn` is set, S3 throttles the functions' writes of objects, so that hints, part ranges and runs stay under way. */
const hold = ({ aws }: TwoAccounts, isOn: boolean): void => {
  aws.faults.plan = isOn
    ? (request: AwsRequest) =>
        request.caller.kind === 'session' && WRITES.has(operationOf(request))
          ? { kind: 'throttle' }
          : undefined
    : undefined;
};

const WRITES = new Set(['s3:PutObject', 's3:UploadPart', 's3:CompleteMultipartUpload']);

/** Writes objects, and new versions of some of the earlier ones. */
const writer = ({ source }: TwoAccounts) => {
  const { put } = createUploads(source);
  return async (phase: string): Promise<void> => {
    for (let index = 0; index < WRITTEN; index++) {
      const key = `live/${index % 3 === 0 ? 'again' : phase}-${index}`;
      await put('source', key, Buffer.from(`${phase} ${index}`));
    }
  };
};

const versionsOf = async (s3: S3Client, Bucket: string): Promise<string[]> => {
  const { Versions: versions = [], IsTruncated: isTruncated } = await s3.send(
    new ListObjectVersionsCommand({ Bucket, MaxKeys: 1_000 }),
  );
  expect(isTruncated).toBe(false);
  return versions.filter(({ Key: key }) => key !== BIG).map(({ Key: key, ETag: etag }) => `${key} ${etag}`);
};

const BIG = 'big/video.mp4';

const ask = async ({ aws, names, waitUntil }: TwoAccounts, payload: object): Promise<Run> => {
  let answer = '';
  // All invocations that the function may have may be busy with ranges. Then the request is tried again, as the SDK of an operator does.
  await waitUntil('the function has room', async () => {
    try {
      ({ payload: answer } = await aws.lambda.function(names.backfillFunction).run(JSON.stringify(payload)));
    } catch (error) {
      if (error instanceof Error && error.message === 'Rate Exceeded.') return false;
      throw error;
    }
    return true;
  });
  const { runs: [run] = [] } = JSON.parse(answer) as { runs?: Run[] };
  if (run === undefined) throw new Error(answer);
  return run;
};

const workOf = (accounts: TwoAccounts) => {
  const { aws, names } = accounts;
  const queues = [names.liveQueue, names.backfillQueue, names.rangesQueue, names.transferQueue];
  return {
    queues: queues.map((name) => messagesOf(aws, name)),
    waiting: waitingQueuesOf(accounts),
    functions: [names.replicateFunction, names.backfillFunction, names.transferFunction],
  };
};

const settle = async (accounts: TwoAccounts): Promise<void> => {
  const patience = { movedSeconds: 6 * 3_600, limitMs: 600_000 };
  expect(await atRest(accounts.aws, workOf(accounts), patience)).toBe(true);
};

const startWith = (
  { directory }: PackagedRelease,
  { destinationTemplate }: PackagedRelease,
  onLog: (line: LogLine) => void = () => undefined,
): Promise<TwoAccounts> =>
  startTwoAccounts({
    configuration: FILE,
    packaged: directory,
    onLog,
    edit: {
      stack: shorten,
      destination: (template: Template) => void Object.assign(template, parseTemplate(destinationTemplate)),
    },
    async before({ source }) {
      const { put } = createUploads(source);
      for (let index = 0; index < EXISTING; index++)
        await put('source', `existing/${index}`, Buffer.from(`existing ${index}`));
    },
  });

/** Leaves hints of the deployed release in the queue of runs, so that the next release receives them. */
const leaveHints = async (accounts: TwoAccounts, prefix: string): Promise<void> => {
  const { aws, source, names } = accounts;
  const hints = messagesOf(aws, names.backfillQueue);
  const QueueUrl = aws.sqs.queueUrl(`arn:aws:sqs:${aws.region}:${SOURCE_ACCOUNT}:${names.backfillQueue}`);
  const delay = (seconds: number) =>
    source.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: `${seconds}` } }));
  await delay(900);
  await ask(accounts, { kind: 'backfill', rule: 'all', prefix });
  await accounts.waitUntil('hints of a run wait', async () => hints.counts().delayed > 0);
  await delay(0);
};

/**
 * Deploys the releases one after the other, each while work of the release before it is under way. The roll-back also finds hints that the
 * newer release sent.
 */
const deployEach = async (accounts: TwoAccounts, releases: PackagedRelease[]): Promise<void> => {
  const write = writer(accounts);
  const work = workOf(accounts);
  for (const [index, release] of releases.entries()) {
    hold(accounts, true);
    await write(`held-${index}`);
    await accounts.waitUntil('messages wait or are tried again', async () => {
      accounts.aws.clock.advance(2_000);
      return work.waiting.some((queue) => queue.counts().visible > 0);
    });
    const isRollBack = index === 1;
    if (isRollBack) await leaveHints(accounts, `live/held-${index}`);
    await Promise.all([deploy(accounts, release), write(`during-${index}`)]);
    hold(accounts, false);
    accounts.aws.clock.advance(isRollBack ? 900_000 : 30_000);
    await write(`after-${index}`);
  }
};

/** Waits until the run is finished or has failed. */
const untilOver = async (accounts: TwoAccounts, id: string): Promise<Run> => {
  for (let looks = 0; ; looks++) {
    await settle(accounts);
    const run = await ask(accounts, { action: 'status', run: id });
    if (run.phase === 'finished' || run.phase === 'failed' || looks === 60) return run;
    accounts.aws.clock.advance(60_000);
  }
};

const earlierCommit = (): Promise<string> =>
  UPDATE_FROM === 'named' ? namedCommit() : Promise.resolve(String(UPDATE_FROM));

test.skipIf(UPDATE_FROM === undefined).each(RELEASES)(
  'an update to %s and a roll-back lose no object, no message, no run and no transfer',
  async (name, newRelease) => {
    await using oldFolder = await newFolder();
    await using newFolderOf = await newFolder();
    const before = await packageCommit(await earlierCommit(), FILE, oldFolder.path);
    const after = await newRelease(newFolderOf.path);
    let givenBack = 0;
    await using accounts = await startWith(before, before, ({ line }) => {
      if (line.includes('"reason":"newer-release"')) givenBack += 1;
    });
    const { aws, source, destination } = accounts;
    aws.s3.receiveSparse({ bucket: 'replica', seed: SEED });
    await settle(accounts);

    hold(accounts, true);
    const large = { bucket: 'source', key: BIG, sizeBytes: 512 * MIB, seed: SEED };
    aws.s3.createSparseObject({ ...large, partSizeBytes: 32 * MIB });
    const { id } = await ask(accounts, { kind: 'backfill', rule: 'all', prefix: 'existing/' });
    await deployEach(accounts, [after, before, after]);
    expect(await untilOver(accounts, id)).toMatchObject({ phase: 'finished' });
    expect(givenBack > 0).toBe(name === NEXT);

    expect(await versionsOf(destination.s3(), 'replica')).toEqual(await versionsOf(source.s3(), 'source'));
    const head = await destination.s3().send(new HeadObjectCommand({ Bucket: 'replica', Key: BIG }));
    expect(head.ContentLength).toBe(large.sizeBytes);
    expect(lettersIn(accounts)).toEqual([0, 0, 0]);
  },
  1_800_000,
);

const lettersIn = ({ aws, names }: TwoAccounts): number[] =>
  [names.deadLetterQueue, names.rangesDeadLetterQueue, names.transferDeadLetterQueue].map(
    (name) => messagesOf(aws, name).counts().visible,
  );

/** The last commit whose destination template has one role for everything. */
const ONE_ROLE = '3a06ec12eb272b1910a9750005f00a98303ce2c1';

/**
 * Writes objects, lets a backfill run, and expects no dead letters. Resolves to how the run ended, to the actions that the destination's
 * template lacks according to the log, and to whether both buckets have the same number of versions.
 */
const useBoth = async (stack: PackagedRelease, destination: PackagedRelease) => {
  const lacking = new Set<string>();
  await using accounts = await startWith(stack, destination, ({ line }) => {
    const action = /"message":"older-template".*"action":"([^"]+)"/.exec(line)?.[1];
    if (action !== undefined) lacking.add(action);
  });
  await writer(accounts)('live');
  await settle(accounts);
  const { id } = await ask(accounts, { kind: 'backfill', rule: 'all' });
  const { phase, failure } = await untilOver(accounts, id);
  const isLive = (version: string): boolean => version.startsWith('live/');
  const source = await versionsOf(accounts.source.s3(), 'source');
  const replica = await versionsOf(accounts.destination.s3(), 'replica');
  expect(lettersIn(accounts)).toEqual([0, 0, 0]);
  expect(replica.filter(isLive)).toEqual(source.filter(isLive));
  return { phase, failure, lacking: [...lacking].toSorted(), isWhole: replica.length === source.length };
};

const DONE = { phase: 'finished', failure: null, isWhole: true };

test.skipIf(UPDATE_FROM === undefined).each([
  ['of a commit whose template has one role', ONE_ROLE],
  ['of the earlier release', null],
])(
  'a stack and a destination %s work with the other side of today, or stop with one reason, and leave no dead letters',
  async (_name, commit) => {
    await using oldFolder = await newFolder();
    await using todaysFolder = await newFolder();
    const old = await packageCommit(commit ?? (await earlierCommit()), FILE, oldFolder.path);
    const today = await packageToday(FILE, todaysFolder.path);
    const isOneRole = commit === ONE_ROLE;

    // In the new template, only a separate role trusts the function that compares. The old stack does not know this role.
    expect(await useBoth(old, today)).toMatchObject(
      isOneRole
        ? { phase: 'failed', failure: { reason: 'assume-role-denied' }, lacking: [] }
        : { ...DONE, lacking: [] },
    );
    expect(await useBoth(today, old)).toMatchObject({
      ...DONE,
      lacking: isOneRole ? ['sts:AssumeRole', 'sts:SetSourceIdentity'] : [],
    });
  },
  1_800_000,
);
