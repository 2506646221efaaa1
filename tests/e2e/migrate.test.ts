/**
 * Plays the recipe of docs/migrate.md with the files and commands of the guide: a bucket moves to another account and back, while writers
 * write. This takes a minute, so only the soak runs it: `DRAW=all npx vitest run tests/e2e/migrate.test.ts`
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { GetBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { AwsRequest } from '@s3-replicator/local-aws';
import { expect, test, vi } from 'vitest';
import type { Account } from '../../demo/account.ts';
import { packageStack } from '../../demo/package-stack.ts';
import { startTwoAccounts, type TwoAccounts } from '../../demo/two-accounts.ts';
import { run } from '../cli/run.ts';
import { newFolder } from '../upgrade/packaged-commit.ts';
import { operationOf } from './support/operations.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { deployOpposite } from './support/stages/two-way.ts';
import { createUploads } from './support/uploads.ts';
import { startWriters, type Writers } from './support/writers.ts';

const [OLD, NEW] = ['acme-documents', 'acme-documents-new'];
const [TO_NEW, TO_OLD] = ['222222222222:role/move-to-new', '111111111111:role/move-back'];
const MIB = 1024 ** 2;
/** How many objects exist before the first deployment. */
const EXISTING = 60;

const GUIDE = readFileSync('docs/migrate.md', 'utf8');
const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\``, 'gm'))].map(
    ([, text = '']) => text,
  );
const [FORTH = '', BACK = ''] = blocks('yaml');
const [STATEMENT = ''] = blocks('json');
/** The arguments of each command, block by block. */
const COMMANDS = blocks('sh').map((block) =>
  block
    .trim()
    .split('\n')
    .map((line) => line.trim().replace('npx s3-replicator ', '').split(' ')),
);
const [BACKFILL = [], PRINT_KEY = [], VERIFY_ONCE = [], LAST_LOOK = [], LAST_LOOK_BACK = []] = COMMANDS;

interface Site {
  aws: TwoAccounts['aws'];
  account: Account;
  /** Its replication.yml. */
  file: string;
}

/**
 * Runs the commands of a block with the rights of the account. While they wait, the clock of the local AWS moves. Under load, a command may
 * also report that the two sides differ at that moment, as the guide says.
 */
const runBlock = async (
  { aws, account, file }: Site,
  block: string[][],
  load: 'frozen' | 'under load' = 'frozen',
): Promise<string> => {
  for (const [name, value] of Object.entries(account.environment())) vi.stubEnv(name, value);
  let printed = '';
  for (const argv of block) {
    const { code, out, err } = await run([...argv, '--config', file], {
      ask: async () => 'y',
      now: () => aws.clock.now(),
      sleep: async (ms) => {
        aws.clock.advance(ms);
        await sleep(ms / 20);
      },
    });
    expect(load === 'frozen' ? [0] : [0, 1], `${argv.join(' ')}\n${out}${err}`).toContain(code);
    printed += out;
  }
  vi.unstubAllEnvs();
  return printed;
};

const trusting = (caPem: string): Disposable => {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, caPem]);
  return { [Symbol.dispose]: () => setDefaultCACertificates(before) };
};

/** Adds the statement of the guide to the policy of a bucket. Returns a function that takes it away again. */
const freeze = async (account: Account, bucket: string, role: string): Promise<() => Promise<void>> => {
  const statement = STATEMENT.replace(`${OLD}/`, `${bucket}/`).replace(TO_OLD, role);
  const s3 = account.s3();
  const { Policy: before = NO_POLICY } = await s3
    .send(new GetBucketPolicyCommand({ Bucket: bucket }))
    .catch(() => ({ Policy: NO_POLICY }));
  const put = async (Statement: unknown[]): Promise<void> => {
    const Policy = JSON.stringify({ ...JSON.parse(before), Statement });
    await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  };
  const { Statement } = JSON.parse(before);
  await put([...Statement, JSON.parse(statement)]);
  return () => put(Statement.length === 0 ? [ALLOW_NOTHING] : Statement);
};
const NO_POLICY = JSON.stringify({ Version: '2012-10-17', Statement: [] });
/** Stands in for an empty list of statements, because S3 accepts no policy without a statement. */
const ALLOW_NOTHING = {
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:DeleteBucket',
  Resource: `arn:aws:s3:::${OLD}`,
};

/** S3 throttles what functions write, as it does under load, so that work is left when the bucket is frozen. */
const throttle = ({ aws }: TwoAccounts, isOn: boolean): void => {
  aws.faults.plan = isOn
    ? (request: AwsRequest) =>
        request.caller.kind === 'session' &&
        /^s3:(Put|Delete|Upload|Complete|Copy)/.test(operationOf(request))
          ? { kind: 'throttle' }
          : undefined
    : undefined;
};

/** Lets the writers write under throttling, and freezes their bucket. Resolves to the function that lifts the freeze. */
const freezeUnderLoad = async (
  accounts: TwoAccounts,
  writers: Writers,
  lift: () => Promise<() => Promise<void>>,
): Promise<() => Promise<void>> => {
  throttle(accounts, true);
  await writers.untilWritten(40);
  const thaw = await lift();
  await writers.refused;
  throttle(accounts, false);
  return thaw;
};

/** Starts with the old account of the guide, whose bucket has objects that are older than the deployment. */
const startOldAccount = (file: string): Promise<TwoAccounts> =>
  startTwoAccounts({
    configuration: file,
    async before({ source }) {
      const { put, putParts } = createUploads(source);
      for (let index = 0; index < EXISTING; index++)
        await put(OLD, `existing/${index % 50}`, `existing ${index}`);
      await putParts(OLD, 'existing/large', [Buffer.alloc(8 * MIB, 1), Buffer.alloc(3 * MIB, 2)]);
    },
  });

/** Packages the way back of the guide, before there is load, because that takes long. Returns a function that deploys it. */
const packageWayBack = async (
  { aws, destination }: TwoAccounts,
  folder: string,
  publicKey: string,
): Promise<() => Promise<Site>> => {
  const file = join(folder, 'back.yml');
  const artifacts = join(folder, 'package');
  await writeFile(file, BACK.replace('KEY', publicKey));
  await packageStack({ replicationFile: file, outDirectory: artifacts });
  return async () => {
    await deployOpposite(aws, file, artifacts);
    return { aws, account: destination, file };
  };
};

test.runIf(PLAYS_ALL)(
  'a bucket moves under load and back, and no write accepted before a freeze is missing after the switch',
  async () => {
    await using folder = await newFolder();
    const file = join(folder.path, 'forth.yml');
    await writeFile(file, FORTH);
    await using accounts = await startOldAccount(file);
    const { aws, source, destination } = accounts;
    // The commands run in this process, which did not know the certificate of the local AWS when it started.
    using _trusted = trusting(aws.caPem);
    const old: Site = { aws, account: source, file };

    await createUploads(source).put(OLD, 'first', 'the first replica makes the key');
    await accounts.waitUntilReplicated([{ bucket: OLD, key: 'first' }]);
    const key = (await runBlock(old, PRINT_KEY)).trim();
    const deployBack = await packageWayBack(accounts, folder.path, key);

    const before = startWriters(source.s3(), OLD, 'before');
    await runBlock(old, BACKFILL, 'under load');
    const back = await deployBack();
    await runBlock(old, VERIFY_ONCE, 'under load');
    const thaw = await freezeUnderLoad(accounts, before, () => freeze(source, OLD, TO_OLD));
    await runBlock(old, LAST_LOOK);
    await before.expectAt(destination.s3(), NEW);

    const after = startWriters(destination.s3(), NEW, 'after');
    await freezeUnderLoad(accounts, after, () => freeze(destination, NEW, TO_NEW));
    await runBlock(back, LAST_LOOK_BACK);
    await after.expectAt(source.s3(), OLD);
    await before.expectAt(source.s3(), OLD);
    await thaw();
    await createUploads(source).put(OLD, 'home again', 'written to the old bucket');
  },
  600_000,
);
