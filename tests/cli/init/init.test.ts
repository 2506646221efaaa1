/** `init` with options and with scripted answers. Nobody is signed in. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { INIT } from '../../../src/cli/init/init.ts';
import { QUESTIONS } from '../../../src/cli/init/questions.ts';
import type { Questions } from '../../../src/cli/terminal/questions.ts';
import { parseConfiguration } from '../../../src/lib/configuration/configuration.ts';
import { ROOT, run } from '../run.ts';
import { initIn, scripted } from './init-in.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-init-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const init = (options: string[], questions?: Questions) => initIn(cwd, options, { questions });

const REQUIRED = ['--source', 'acme-documents', '--destination-account', '222222222222'];
const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111';
const ALL: Record<string, string> = {
  source: 'acme-documents',
  region: 'eu-west-1',
  prefix: 'in/#1: x/',
  'destination-account': '222222222222',
  destination: 'acme-archive',
  'destination-region': 'eu-central-1',
  'create-bucket': 'no',
  versions: 'latest',
  deletes: 'replicate',
  protection: 'governance',
  'retention-days': '30',
  'source-kms-key': KEY,
  'destination-kms-key': KEY.replace('eu-west-1', 'eu-central-1'),
  'alarm-email': 'ops@example.com',
  'external-id': '12345',
  name: 'acme',
};
const asOptions = (answers: Record<string, string>): string[] =>
  Object.entries(answers).map(([flag, answer]) => `--${flag}=${answer}`);

const written = async (name: string): Promise<string> => readFile(join(cwd, name), 'utf8');
const rules = async () => parseConfiguration(await written('replication.yml'));

test('with the two answers that only a person knows, init writes a configuration that can be deployed, and the next three commands', async () => {
  const { code, out } = await init([...REQUIRED, '--yes']);
  expect(code).toBe(0);
  expect(out).toMatch(/1\. .*\n +npm install/);
  expect(out).toMatch(/2\. .*222222222222:\n +npx s3-replicator config destination --create-bucket\n/);
  expect(out).toMatch(/3\. .*\n +npx serverless deploy\n/);
  expect((await run(['config', 'check'], { cwd })).code).toBe(0);
  expect((await run(['config', 'destination', '--source-account', '111111111111'], { cwd })).code).toBe(0);
  expect((await written('serverless.yml')).trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  expect(JSON.parse(await written('package.json'))).toMatchObject({
    devDependencies: { serverless: expect.stringContaining('osls') },
  });
});

test('every question of init has an option, and what the options say is in replication.yml', async () => {
  expect(Object.keys(ALL)).toEqual(QUESTIONS.map(({ flag }) => flag));
  expect(Object.keys(INIT.options)).toEqual([...Object.keys(ALL), 'yes', 'dry-run', 'json']);
  const { code, out } = await init(asOptions(ALL));
  expect(code).toBe(0);
  expect(out.replaceAll(/\\\n +/g, '')).toContain('--retention-mode GOVERNANCE --retention-days 30');
  const { replication, stack, deployment } = await rules();
  expect(deployment).toMatchObject({ name: 'acme', region: 'eu-west-1' });
  expect(stack).toMatchObject({ alarms: { email: 'ops@example.com' }, sourceKmsKeyArns: [KEY] });
  expect(replication.rules).toMatchObject([
    {
      id: 'acme-documents',
      source: { bucket: 'acme-documents', prefix: 'in/#1: x/' },
      destinations: [
        {
          bucket: 'acme-archive',
          region: 'eu-central-1',
          roleArn: 'arn:aws:iam::222222222222:role/s3-replicator-acme-archive',
          externalId: '12345',
          kmsKeyArn: ALL['destination-kms-key'],
          objectLock: 'replicate',
        },
      ],
      versions: 'latest',
      deletes: 'replicate',
    },
  ]);
});

test('without a terminal init asks nothing and names the option of every missing answer', async () => {
  const { 'retention-days': _, 'external-id': __, name: ___, ...needed } = ALL;
  const { code, err } = await init([]);
  expect(code).toBe(2);
  for (const flag of Object.keys(needed)) expect(err).toContain(`--${flag} `);
  expect(err).not.toContain('--external-id');
  expect((await init(['--protection', 'governance'])).err).toContain('--retention-days DAYS');
  expect(await readdir(cwd)).toEqual([]);
});

test('in a terminal init asks for what no option says, and does not propose what only a person knows', async () => {
  const asked: string[] = [];
  const questions = scripted(
    { 'is replicated?': 'acme-documents', 'account receives': '222222222222' },
    asked,
  );
  expect((await init(['--region', 'eu-west-1'], questions)).code).toBe(0);
  expect(asked).toEqual([
    'Which bucket is replicated? ',
    'Which objects? Keys begin with (nothing: all) ',
    'Which account receives the replicas? ',
    'Which bucket receives the replicas? acme-documents-replica',
    'Which region is that bucket in? eu-west-1',
    'Is that bucket to be created? [yes,no] yes',
    'Which versions are replicated? [all,latest] all',
    'What happens to deletes? [ignore,replicate] ignore',
    'How are replicas protected? [versions,locks,governance,compliance] versions',
    'Which KMS key are the source objects encrypted with? none',
    'Which KMS key encrypts the replicas? none',
    'Which address receives the alarms? none',
  ]);
  expect((await rules()).replication.rules[0]?.destinations[0]?.externalId).toBe('drawn-id');
});

test('init with all options asks nothing in a terminal either', async () => {
  const asked: string[] = [];
  expect((await init(asOptions(ALL), scripted({}, asked))).code).toBe(0);
  expect(asked).toEqual([]);
});

test('init names all wrong options at once, before it asks', async () => {
  const wrong = [
    '--source',
    'Acme',
    '--destination-account',
    '1',
    '--protection',
    'vault',
    '--retention-days',
    '0',
  ];
  const asked: string[] = [];
  const { code, err } = await init(wrong, scripted({}, asked));
  expect({ code, asked }).toEqual({ code: 2, asked: [] });
  for (const flag of ['source', 'destination-account', 'protection', 'retention-days'])
    expect(err).toContain(`--${flag} takes`);
});

test('init reports answers that contradict each other as config check does, and writes nothing', async () => {
  const { code, err } = await init(asOptions({ ...ALL, 'destination-kms-key': KEY }));
  expect(code).toBe(2);
  expect(err).toContain('a key in eu-west-1, while the bucket is in eu-central-1');
  expect(await readdir(cwd)).toEqual([]);
});

test.each(['replication.yml', 'serverless.yml'])(
  'init refuses a folder that has %s before it asks anything, and changes nothing',
  async (name) => {
    await writeFile(join(cwd, name), 'mine');
    const asked: string[] = [];
    const { code, err } = await init([], scripted({}, asked));
    expect({ code, asked }).toEqual({ code: 1, asked: [] });
    expect(err).toContain(name);
    expect(await readdir(cwd)).toEqual([name]);
    expect(await written(name)).toBe('mine');
  },
);

test('init keeps everything in a package.json that npm install has made, and adds the framework', async () => {
  const mine = { name: 'mine', dependencies: { 's3-replicator': 'file:package.tgz' } };
  await writeFile(join(cwd, 'package.json'), JSON.stringify(mine));
  await mkdir(join(cwd, 'node_modules', 's3-replicator'), { recursive: true });
  const { out } = await init([...REQUIRED, '--yes']);
  expect(out).toContain('package.json (serverless added)');
  expect(out).toMatch(/\n +npm install\n/);
  expect(JSON.parse(await written('package.json'))).toMatchObject({
    ...mine,
    devDependencies: { serverless: expect.any(String) },
  });
});

test('a file that cannot be written leaves no other one behind', async () => {
  const mine = '{"name":"mine"}';
  await writeFile(join(cwd, 'package.json'), mine);
  // The link leads nowhere, so there is no file to read, but the name is taken.
  await symlink(join(cwd, 'nowhere'), join(cwd, 'serverless.yml'));
  const { code, err } = await init([...REQUIRED, '--yes']);
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('EEXIST') });
  expect((await readdir(cwd)).toSorted()).toEqual(['package.json', 'serverless.yml']);
  expect(await written('package.json')).toBe(mine);
});

test('init --dry-run prints the files, and --json prints answers, files and commands', async () => {
  const { out } = await init([...REQUIRED, '--yes', '--dry-run']);
  expect(out).toContain('# ---- replication.yml\n');
  const json = JSON.parse((await init([...REQUIRED, '--yes', '--dry-run', '--json'])).out);
  expect(json).toMatchObject({ dryRun: true, answers: { source: 'acme-documents', region: 'us-east-1' } });
  expect(Object.keys(json.files)).toEqual(['replication.yml', 'serverless.yml', 'package.json']);
  expect(json.next).toHaveLength(3);
  expect(await readdir(cwd)).toEqual([]);
});

test('docs/start.md shows what init prints in a folder where the package is installed', async () => {
  const guide = await readFile(`${ROOT}docs/start.md`, 'utf8');
  const [, options = '', shown = ''] = /\$ npx s3-replicator init (.*)\n([^]*?)```/.exec(guide) ?? [];
  await writeFile(join(cwd, 'package.json'), '{}');
  await mkdir(join(cwd, 'node_modules', 's3-replicator'), { recursive: true });
  expect((await init(options.split(' '))).out).toBe(shown);
});
