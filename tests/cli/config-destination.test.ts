import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configWith } from '../../src/cli/config/config.ts';
import { destination, file, ROLE, rule } from '../configuration/yaml.ts';
import { awsCommands, optionOf, parametersOf } from './printed-command.ts';
import { run, ROOT } from './run.ts';

const KEY = 'arn:aws:kms:us-east-1:222222222222:key/11111111-1111-1111-1111-111111111111';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-destination-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const asked: string[] = [];
const config = configWith({
  readPublicKey: async () => null,
  callerAccount: async (region) => {
    asked.push(region);
    return '111111111111';
  },
});

const print = async (rules: ReturnType<typeof rule>[], ...options: string[]) => {
  await writeFile(join(cwd, 'replication.yml'), file(rules));
  return run(['config', 'destination', ...options], { cwd }, { config });
};

const only = (more: Record<string, unknown> = {}, options: Record<string, unknown> = {}) =>
  rule('only', { bucket: 'source-bucket', prefix: 'in/' }, [destination('replica-bucket', more)], options);

const parametersFor = async (
  rules: ReturnType<typeof rule>[],
  ...options: string[]
): Promise<Record<string, string>> => {
  const { out } = await print(rules, ...options);
  return parametersOf(awsCommands(out)[0] ?? []);
};

test('config destination prints a command that a shell reads as one deployment with all its parameters', async () => {
  asked.length = 0;
  const { code, out } = await print([only()]);
  expect(code).toBe(0);
  expect(out).toContain('# Account 222222222222: replica-bucket, for rule only\n');
  const [words = [], ...more] = awsCommands(out);
  expect(more).toEqual([]);
  expect(words.slice(0, 2)).toEqual(['cloudformation', 'deploy']);
  expect(optionOf(words, '--region')).toBe('us-east-1');
  expect(optionOf(words, '--stack-name')).toBe('replica');
  expect(optionOf(words, '--capabilities')).toBe('CAPABILITY_NAMED_IAM');
  expect(join(cwd, optionOf(words, '--template-file'))).toBe(join(ROOT, 'destination/template.yml'));
  expect(asked).toEqual(['us-east-1']);
  expect(parametersOf(words)).toEqual({
    SourceRoleArn: 'arn:aws:iam::111111111111:role/s3-replicator-prod-us-east-1-replicate',
    ExternalId: 'shared-id',
    BucketName: 'replica-bucket',
    BucketAccount: '',
    RoleName: 'replica',
    RolePath: '/',
    Prefix: 'in/',
    ReplicateDeletes: 'no',
    ReplicateAcl: 'no',
    ObjectLock: 'yes',
    MaxRetentionDays: '3650',
    SourceBucketName: 'source-bucket',
    SourceBucketAccount: '',
    SourceKmsKeyArn: '',
  });
});

test('config destination asks AWS nothing when the source account is given, and names the role of stage and region', async () => {
  asked.length = 0;
  const parameters = await parametersFor(
    [only()],
    '--source-account',
    '999999999999',
    '--stage',
    'test',
    '--region',
    'us-west-2',
  );
  expect(parameters['SourceRoleArn']).toBe(
    'arn:aws:iam::999999999999:role/s3-replicator-test-us-west-2-replicate',
  );
  expect(asked).toEqual([]);
});

test('config destination allows what all rules with the same bucket and role need, whichever rule is named', async () => {
  const rules = [
    rule('one', { bucket: 'source-one', prefix: 'a/' }, [
      destination('replica-bucket', { prefix: 'copies/a/', maxRetentionDays: 10 }),
    ]),
    rule(
      'two',
      { bucket: 'source-two', account: '333333333333' },
      [
        destination('replica-bucket', {
          prefix: 'copies/b/',
          maxRetentionDays: 20,
          kmsKeyArn: KEY,
        }),
      ],
      { deletes: 'replicate', acl: 'replicate' },
    ),
  ];
  expect(await parametersFor(rules, '--rule', 'one')).toMatchObject({
    Prefix: 'copies/',
    ReplicateDeletes: 'yes',
    ReplicateAcl: 'yes',
    MaxRetentionDays: '20',
    KmsKeyArn: KEY,
    SourceBucketName: 'source-one,source-two',
    SourceBucketAccount: '333333333333',
  });
});

test('config destination passes a prefix that a shell would change on as it is, and cuts one that IAM would change', async () => {
  const quoted = `it's "$HOME" \`x\`/`;
  const { out } = await print([only({ prefix: "it's (a) b/" })], '--destination-profile', quoted);
  const [words = []] = awsCommands(out);
  expect(parametersOf(words)['Prefix']).toBe("it's (a) b/");
  expect(optionOf(words, '--profile')).toBe(quoted);
  expect((await parametersFor([only({ prefix: 'a*b/' })]))['Prefix']).toBe('a');
});

test('config destination prints the parameters of a new bucket and of a vault on request', async () => {
  const vault = ['--retention-mode', 'COMPLIANCE', '--retention-days', '30'];
  expect(await parametersFor([only()], '--create-bucket', '--object-lock', ...vault)).toMatchObject({
    CreateBucket: 'yes',
    EnableObjectLock: 'yes',
    DefaultRetentionMode: 'COMPLIANCE',
    DefaultRetentionDays: '30',
  });
});

test('config destination gives the path of the destination role and that of the source role', async () => {
  const roleArn = ROLE.replace('role/', 'role/platform/replicas/');
  await writeFile(
    join(cwd, 'replication.yml'),
    file([only({ roleArn })], { stack: { rolePath: '/platform/' } }),
  );
  const { out } = await run(['config', 'destination'], { cwd }, { config });
  expect(parametersOf(awsCommands(out)[0] ?? [])).toMatchObject({
    SourceRoleArn: 'arn:aws:iam::111111111111:role/platform/s3-replicator-prod-us-east-1-replicate',
    RoleName: 'replica',
    RolePath: '/platform/replicas/',
  });
});

test.each([
  [['--object-lock'], '--object-lock needs --create-bucket'],
  [['--retention-mode', 'GOVERNANCE'], '--retention-mode and --retention-days need each other'],
  [['--retention-mode', 'governance', '--retention-days', '3'], 'GOVERNANCE or COMPLIANCE'],
  [['--source-account', '1234'], '--source-account takes 12 digits'],
  [['--rule', 'onyl'], 'No rule of the configuration has such a destination'],
])('config destination refuses %j', async (options, message) => {
  expect(await print([only()], ...options)).toMatchObject({ code: 2, err: expect.stringContaining(message) });
});

const shared = [only(), rule('other', { bucket: 'other-bucket' }, [destination('other-replica')])];

test.each([
  ['writes two buckets', shared, [], 'it writes other-replica too: give each bucket a role'],
  ['has a long name', [only({ roleArn: ROLE + 'a'.repeat(50) })], [], 'more than 56 characters'],
  [
    'belongs to another account than the bucket that it should create',
    [only({ account: '333333333333' })],
    ['--create-bucket'],
    '333333333333 owns the bucket',
  ],
  [
    'may not lock for as long as the vault does',
    [only({ maxRetentionDays: 30 })],
    ['--retention-mode', 'GOVERNANCE', '--retention-days', '30'],
    'must be less than `maxRetentionDays`',
  ],
])('config destination reports a role that %s', async (_, rules, options, message) => {
  const found = await print(rules, ...options);
  expect(found).toMatchObject({ code: 1, out: '', err: expect.stringContaining(message) });
  expect(JSON.parse((await print(rules, '--json', ...options)).out)).toMatchObject({
    stacks: [],
    problems: expect.arrayContaining([expect.stringContaining(message)]),
  });
});

test('config destination reports rules that give one role different external ids or keys', async () => {
  const other = rule('other', { bucket: 'source-bucket', prefix: 'other/' }, [
    destination('replica-bucket', { externalId: 'second' }),
  ]);
  expect((await print([only(), other])).err).toContain('different values of `externalId`');
});

test('config destination gives stacks of one account and region different names', async () => {
  const roleArn = ROLE.replace('replica', 're.plica');
  const rules = [
    only({ roleArn }),
    rule('other', { bucket: 'other-bucket' }, [
      destination('other-replica', { roleArn: ROLE.replace('replica', 're-plica') }),
    ]),
  ];
  const { out } = await print(rules);
  expect(awsCommands(out).map((words) => optionOf(words, '--stack-name'))).toEqual([
    're-plica-replica-bucket',
    're-plica-other-replica',
  ]);
});

test('every line that config destination prints fits 80 columns, except single words that are longer', async () => {
  const { out } = await print([only({ kmsKeyArn: KEY })], '--create-bucket', '--object-lock');
  const long = out.split('\n').filter((line) => line.length > 80);
  expect(long.filter((line) => line.trim().split(' ').length > 2)).toEqual([]);
});

test('config destination gives each destination a stack of its own, because a shared stack took away the role of the former destination', async () => {
  const { out } = await run(['config', 'destination', '--source-account', '111111111111']);
  const commands = awsCommands(out);
  const names = commands.map((words) => optionOf(words, '--stack-name'));
  expect(new Set(names).size).toBe(3);
  expect(commands.map((words) => parametersOf(words)['RoleName'])).toEqual(names);
});
