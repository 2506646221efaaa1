/**
 * The commands for runs, against the local AWS. They get exactly the permissions that docs/backfill.md lists.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  clientConfig,
  type Credentials,
  type LocalAws,
  type PolicyDocument,
  startLocalAws,
} from '@s3-replicator/local-aws';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { deployBackfillFunction } from './backfill-function.ts';
import { ROOT, run } from './run.ts';

const [SOURCE, DESTINATION] = ['111111111111', '222222222222'] as const;
const REGION = 'us-east-1';
const NAMES = resourceNames({ name: 'acme', stage: 'prod', region: REGION });

let aws: LocalAws;
let cwd: string;
let clients: S3Client[];

beforeEach(async () => {
  aws = await startLocalAws({ region: REGION });
  cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  clients = [];
  writeFileSync(join(cwd, 'replication.yml'), FILE);
  await aws.dynamodb.tables(SOURCE, REGION).call('CreateTable', {
    TableName: NAMES.runsTable,
    AttributeDefinitions: ['run', 'item'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [
      { AttributeName: 'run', KeyType: 'HASH' },
      { AttributeName: 'item', KeyType: 'RANGE' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  });
  const Versioned = { VersioningConfiguration: { Status: 'Enabled' } } as const;
  aws.s3.createBucket({ name: 'documents', accountId: SOURCE, region: REGION, ...Versioned });
  aws.s3.createBucket({ name: 'archive', accountId: DESTINATION, region: 'eu-west-1', ...Versioned });
  vi.stubEnv('AWS_ENDPOINT_URL', aws.httpEndpoint);
  vi.stubEnv('AWS_PROFILE', undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const client of clients) client.destroy();
  rmSync(cwd, { recursive: true });
  await aws.stop();
});

const FILE = `
name: acme
region: ${REGION}
rules:
  - id: invoices
    source: { bucket: documents }
    destinations:
      - bucket: archive
        region: eu-west-1
        roleArn: arn:aws:iam::${DESTINATION}:role/archive
        externalId: acme
`;

/** Returns the policies in docs/backfill.md, in the order of the document. */
const policies = (): PolicyDocument[] =>
  [...readFileSync(`${ROOT}docs/backfill.md`, 'utf8').matchAll(/```json\n(.*?)```/gs)].map(
    ([, text = '']) => {
      const filled = text
        .replaceAll('REGION:ACCOUNT', `${REGION}:${SOURCE}`)
        .replaceAll('NAME-STAGE', NAMES.stack)
        .replaceAll('SOURCE_BUCKET', 'documents')
        .replaceAll('DESTINATION_BUCKET', 'archive');
      const policy: PolicyDocument = JSON.parse(filled);
      return policy;
    },
  );

/** Returns the policy that the command line prints for operators. */
const operatorPolicy = async (): Promise<PolicyDocument> => {
  const policy: PolicyDocument = JSON.parse(
    (await cli('config', 'policy', '--operator', '--source-account', SOURCE)).out,
  );
  return policy;
};

const sessionOf = (accountId: string, roleName: string, documents: PolicyDocument[]): Credentials => {
  const role = aws.iam.putRole({
    accountId,
    roleName,
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: documents,
  });
  return aws.iam.createSession(role.arn, 'somebody', 900).credentials;
};

const signIn = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): void => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', sessionToken);
};

const put = async (
  accountId: string,
  Bucket: string,
  Key: string,
  { Body = Key, to = aws } = {},
): Promise<void> => {
  const region = Bucket === 'archive' ? 'eu-west-1' : REGION;
  const client = new S3Client({ ...clientConfig(to, to.root(accountId), { tls: false }), region });
  clients.push(client);
  await client.send(new PutObjectCommand({ Bucket, Key, Body }));
};

const cli = (...argv: string[]) => run(argv, { cwd });

test('the documented permissions are enough to start, list, show, pause, resume and cancel a run', async () => {
  const operator = await operatorPolicy();
  for (const key of ['a', 'b\n', '請求書']) await put(SOURCE, 'documents', key);
  await deployBackfillFunction(aws, { accountId: SOURCE, region: REGION, name: NAMES.backfillFunction });
  signIn(sessionOf(SOURCE, 'operator', [operator]));
  const started = await cli('backfill', 'start', '--rule', 'invoices', '--yes');
  expect(started).toMatchObject({ code: 0, err: expect.stringContaining('backfill status') });
  expect(started.out).toContain('3 keys, 12 B (all of the source was listed)');
  const [, id = ''] = /Run (\S+) has begun/.exec(started.out) ?? [];
  expect((await cli('backfill', 'list')).out).toContain(`${id}  comparing`);
  for (const [command, phase] of [
    ['pause', 'paused'],
    ['resume', 'comparing'],
    ['cancel', 'cancelled'],
  ] as const)
    expect(await cli('backfill', command, id)).toMatchObject({
      code: 0,
      out: `Run ${id} is now ${phase}: backfill of invoices to archive\n`,
    });
  expect(JSON.parse((await cli('backfill', 'status', id, '--json')).out)).toMatchObject({
    id,
    phase: 'cancelled',
  });
  for (const command of ['verify start --local', 'copy'])
    expect((await cli(...command.split(' '), '--rule', 'invoices')).err).toContain('does not trust you');
});

test('verify start --local compares two accounts with a profile for the destination account', async () => {
  const operator = await operatorPolicy();
  const [local, destination] = policies();
  if (local === undefined || destination === undefined)
    throw new Error('policies are missing in docs/backfill.md');
  const profile = sessionOf(DESTINATION, 'reader', [destination]);
  const file = join(cwd, 'credentials');
  writeFileSync(
    file,
    `[archive]\naws_access_key_id=${profile.accessKeyId}\naws_secret_access_key=${profile.secretAccessKey}\naws_session_token=${profile.sessionToken ?? ''}\n`,
  );
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
  for (const key of ['a', 'b', 'c']) await put(SOURCE, 'documents', key);
  for (const key of ['a', 'b']) await put(DESTINATION, 'archive', key, { Body: key === 'a' ? 'a' : 'other' });
  signIn(sessionOf(SOURCE, 'operator', [operator, local]));
  const command = [
    'verify',
    'start',
    '--rule',
    'invoices',
    '--local',
    '--destination-profile',
    'archive',
    '--json',
  ];
  const { code, out } = await cli(...command);
  const differences = out
    .trimEnd()
    .split('\n')
    .map((line): { key: string; difference: string } => JSON.parse(line));
  expect(differences.map(({ key, difference }) => `${difference} ${key}`)).toEqual([
    'different b',
    'missing c',
  ]);
  expect(code).toBe(1);

  // With `--bytes all`, the command reads the objects of both sides. The documented permissions are enough for that, too.
  const read = await cli(...command, '--bytes', 'all', '--yes');
  expect(read).toMatchObject({
    code: 1,
    err: expect.stringContaining('reads all objects on both sides: 6 B at most'),
  });
  expect(read.err).toContain('The same: 1 by reading both.');
  const unasked = await cli(...command, '--bytes', 'weak');
  expect(unasked.code).toBe(2);
  const remote = await cli('verify', 'start', '--rule', 'invoices', '--bytes', 'all');
  expect(remote).toMatchObject({ code: 2, err: expect.stringContaining('--bytes needs --local') });
});

const VERIFY_WITH_PROFILE = 'verify start --rule invoices --local --destination-profile archive --json'.split(
  ' ',
);

test.each([
  ['its services section', 'services = local\n[services local]\ns3 =\n  endpoint_url = URL'],
  ['its endpoint_url', 'endpoint_url = URL'],
])(
  'verify start --local reads the destination from the endpoint that its profile names in %s',
  async (_place, lines) => {
    await using other = await startOther();
    const { accessKeyId, secretAccessKey } = other.aws.root(DESTINATION);
    const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    writeFileSync(
      join(cwd, 'config'),
      `[profile archive]\n${keys}${lines.replace('URL', other.aws.httpEndpoint)}\n`,
    );
    vi.stubEnv('AWS_CONFIG_FILE', join(cwd, 'config'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    // Only the endpoint of the profile holds the replica. The bucket of the same name at the endpoint of the source is empty.
    await put(SOURCE, 'documents', 'a');
    await put(DESTINATION, 'archive', 'a', { to: other.aws });
    signIn(aws.root(SOURCE));
    expect(await cli(...VERIFY_WITH_PROFILE)).toMatchObject({ code: 0, out: '' });
  },
);

/** Starts another local AWS, which has only the destination bucket. */
const startOther = async () => {
  const other = await startLocalAws({ region: REGION });
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  other.s3.createBucket({
    name: 'archive',
    accountId: DESTINATION,
    region: 'eu-west-1',
    VersioningConfiguration,
  });
  return { aws: other, [Symbol.asyncDispose]: () => other.stop() };
};

test('a replica key of more than 1,024 bytes counts as different with its reason, and S3 is not asked for it', async () => {
  writeFileSync(join(cwd, 'replication.yml'), FILE.trimEnd() + `\n        prefix: ${'long/'.repeat(10)}\n`);
  writeFileSync(
    join(cwd, 'credentials'),
    `[archive]\naws_access_key_id=${aws.root(DESTINATION).accessKeyId}\naws_secret_access_key=${aws.root(DESTINATION).secretAccessKey}\n`,
  );
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(cwd, 'credentials'));
  const key = 'k'.repeat(1_000);
  await put(SOURCE, 'documents', key);
  signIn(aws.root(SOURCE));
  const heads: string[] = [];
  aws.faults.plan = ({ method, path }) => {
    if (method === 'HEAD' && path.startsWith('/archive/')) heads.push(path);
    return undefined;
  };
  const { code, out } = await cli(...VERIFY_WITH_PROFILE);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ key, difference: 'different', reason: 'key-too-long' });
  expect(heads).toEqual([]);
});

test('a command without credentials, table or permission names what is missing', async () => {
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  expect(await cli('backfill', 'list')).toMatchObject({
    code: 1,
    err: expect.stringContaining('No AWS credentials'),
  });
  signIn(sessionOf(SOURCE, 'nobody', []));
  expect((await cli('backfill', 'list')).err).toMatch(/Access denied: Query.*dynamodb:Query/s);
  expect((await cli('backfill', 'start', '--rule', 'invoices', '--yes')).err).toMatch(
    /Access denied: ListObjectVersions in source bucket documents/,
  );
  signIn(aws.root(SOURCE));
  expect((await cli('backfill', 'list', '--stage', 'other')).err).toContain('Table not found');
  expect((await cli('backfill', 'list', '--region', 'eu-west-1')).err).toContain('Table not found');
});
