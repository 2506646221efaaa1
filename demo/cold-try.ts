/**
 * Runs `npm run cold-try`. Installs the package of `npm run tarball` in an empty folder and uses the package as a new user would, with
 * the machine's own Node. Prints each command with its output, and fails as soon as an output is not as expected. Needs no network,
 * because the Serverless Framework is linked from this repository. With `--registry`, npm installs the framework.
 */
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { z } from 'zod';
import { PROGRAM } from '../src/cli/main.ts';
import { type Account, createAccount } from './account.ts';
import { REPOSITORY } from './package-stack.ts';
import { createShell, type Shell } from './shell.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from './two-accounts.ts';

const REGION = 'us-east-1';
const SOURCE = 'acme-documents';
const REPLICA = 'acme-documents-replica';
/** The id that `init` gives the rule. */
const RULE = SOURCE;
/** The bucket of docs/copy.md. */
const ARCHIVE = 'acme-archive';

const main = async (): Promise<void> => {
  await using cleanUp = new AsyncDisposableStack();
  const workspace = await mkdtemp(join(tmpdir(), 's3-replicator-cold-try-'));
  cleanUp.defer(() => rm(workspace, { recursive: true, force: true }));
  const aws = await startLocalAws({ region: REGION, directory: join(workspace, 'aws') });
  cleanUp.defer(() => aws.stop());
  const source = cleanUp.use(createAccount(aws, SOURCE_ACCOUNT));
  const destination = cleanUp.use(createAccount(aws, DESTINATION_ACCOUNT));
  const versioned = { VersioningConfiguration: { Status: 'Enabled' } } as const;
  for (const name of [SOURCE, ARCHIVE])
    aws.s3.createBucket({ name, accountId: SOURCE_ACCOUNT, region: REGION, ...versioned });
  const folder = join(workspace, 'replication');
  await mkdir(folder);
  const shell = createShell(folder, source.environment());
  const signedOut = createShell(folder, {});

  await install(signedOut);
  await begin(shell);
  await installFramework(signedOut);
  await deployDestination(shell, aws);
  await deploy(shell);
  await replicate(source, destination);
  await operate(shell);
};

const install = async ({ folder, run }: Shell): Promise<void> => {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  const tarball = `s3-replicator-${version}.tgz`;
  await copyFile(join(REPOSITORY, '.package', tarball), join(folder, tarball));
  await run('node --version', /^v\d/);
  await run(`npm install --offline ./${tarball}`, /added 1 package/);
  await run('npx s3-replicator --version', new RegExp(`^${version}$`));
};

const begin = async ({ run, say }: Shell): Promise<void> => {
  const names = Object.keys(PROGRAM.subcommands ?? {});
  for (const name of names)
    await run(`node_modules/.bin/s3-replicator ${name} --help`, /^Usage: s3-replicator /m, 'quiet');
  say(`${names.length} commands answer --help: ${names.join(', ')}`);
  const answers = `--source ${SOURCE} --destination-account ${DESTINATION_ACCOUNT} --create-bucket yes`;
  await run(`npx s3-replicator init --yes ${answers}`, /npx serverless deploy/);
  await run('cat serverless.yml package.json', /serverless/);
};

const installFramework = async ({ folder, run, say }: Shell): Promise<void> => {
  if (process.argv.includes('--registry')) await run('npm install', /added \d+ packages/);
  else {
    await symlink(join(REPOSITORY, 'node_modules/serverless'), join(folder, 'node_modules/serverless'));
    await symlink('../serverless/bin/serverless.js', join(folder, 'node_modules/.bin/serverless'));
    say('(Instead of `npm install`, the framework is linked from the repository.)');
  }
  await run('npx s3-replicator config check', /stack s3-replicator-prod in us-east-1/);
};

const STACKS = z.object({
  stacks: z.array(
    z.object({ stackName: z.string(), region: z.string(), parameters: z.record(z.string(), z.string()) }),
  ),
});

/** Deploys the template of the package into the local AWS without the AWS CLI, with the parameters that the command prints. */
const deployDestination = async ({ folder, run, say }: Shell, aws: LocalAws): Promise<void> => {
  const command = `npx s3-replicator config destination --source-account ${SOURCE_ACCOUNT} --create-bucket`;
  await run(command, /aws cloudformation deploy/);
  const { stacks } = STACKS.parse(JSON.parse(await run(`${command} --json`, /^\{/, 'quiet')));
  const template = await readFile(
    join(folder, 'node_modules/s3-replicator/destination/template.yml'),
    'utf8',
  );
  for (const { stackName, region, parameters } of stacks) {
    await aws.cloudformation.deploy({
      accountId: DESTINATION_ACCOUNT,
      region,
      stackName,
      template,
      parameters,
    });
    say(`(Deployed in ${DESTINATION_ACCOUNT}: ${stackName})`);
  }
};

const deploy = async ({ run }: Shell): Promise<void> => {
  await run('npx serverless deploy', /Service deployed to stack s3-replicator-prod/);
};

/** How long the replica may take to appear. */
const ARRIVAL_MS = 30_000;

const replicate = async (source: Account, destination: Account): Promise<void> => {
  const object = { Key: 'hello.txt', Body: 'hello' };
  await source.s3().send(new PutObjectCommand({ Bucket: SOURCE, ...object }));
  const startedMs = performance.now();
  for (;;) {
    const get = new GetObjectCommand({ Bucket: REPLICA, Key: object.Key });
    const found = await destination
      .s3()
      .send(get)
      .catch(() => null);
    if ((await found?.Body?.transformToString()) === object.Body) break;
    if (performance.now() - startedMs > ARRIVAL_MS) throw new Error('hello.txt has not arrived');
    await sleep(100);
  }
  console.log(`\n(s3://${SOURCE}/${object.Key} has arrived in s3://${REPLICA})`);
};

/** The commands of this program in the `sh` blocks of a page, without comments, as a reader types them. */
const commandsIn = (page: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^```sh\n([^]*?)^```/gm)]
    .flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/ +#.*/, ''))
    .filter((line) => line.startsWith('npx s3-replicator '));

const operate = async ({ run }: Shell): Promise<void> => {
  await run(`npx s3-replicator backfill start --rule ${RULE} --dry-run`, /1 key, 5 B/);
  await run('npx s3-replicator dlq list', /live-dlq/);
  await run('npx s3-replicator status', /every rule keeps up/);
  await run(`npx s3-replicator explain s3://${SOURCE}/hello.txt`, /^Replicated: /m);
  for (const command of commandsIn('docs/start.md').filter((each) => each.includes(' start ')))
    await run(`${command} --yes`, /holds the only key of the source/);
  for (const command of commandsIn('docs/copy.md').filter((each) => !each.includes('-endpoint')))
    await run(command, /Would copy 1 object|holds the only key of the source/);
  await run('npx serverless remove', /successfully removed/);
};

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
