import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from './run.ts';

const CONFIG = `
[profile operator]
aws_access_key_id = AKIDOFPROFILE
aws_secret_access_key = secret
[profile corp]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Operator
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
[profile archive]
role_arn = arn:aws:iam::222222222222:role/reader
source_profile = corp
`;

let folder = '';
/** The access keys with which requests were signed. */
let signedBy: (string | undefined)[] = [];
const server = createServer((request, response) => {
  signedBy.push(/Credential=(\w+)/.exec(request.headers.authorization ?? '')?.[1]);
  response.writeHead(403, { 'content-type': 'application/x-amz-json-1.0' }).end('{"__type":"AccessDenied"}');
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  writeFileSync(join(folder, 'config'), CONFIG);
  signedBy = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;
  for (const [name, value] of Object.entries({
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'AKIDOFENVIRONMENT',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
  }))
    vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await new Promise((resolve) => server.close(resolve));
});

test('--profile takes the credentials of a profile, although the environment has others', async () => {
  await run(['dlq', 'list']);
  await run(['dlq', 'list', '--profile', 'operator']);
  expect(new Set(signedBy)).toEqual(new Set(['AKIDOFENVIRONMENT', 'AKIDOFPROFILE']));
  expect(signedBy.at(-1)).toBe('AKIDOFPROFILE');
});

test('a profile that does not exist is refused before any call, with the most similar name', async () => {
  const { code, err } = await run(['backfill', 'list', '--profile=operater']);
  expect([code, signedBy]).toEqual([1, []]);
  expect(err).toContain('have no profile "operater". Did you mean "operator"?');
  expect(err).toContain('`aws configure list-profiles`');
});

test('AWS_PROFILE with the name of no profile is named as the cause', async () => {
  vi.stubEnv('AWS_PROFILE', 'nobody');
  expect((await run(['dlq', 'list'])).err).toContain('have no profile "nobody".');
});

test.each(['corp', 'archive'])(
  'when nobody is signed in, the fix of profile %s is the command that signs in',
  async (profile) => {
    const { code, err } = await run(['dlq', 'list', '--profile', profile]);
    expect(code).toBe(1);
    expect(err).toContain(
      '\nfix: Sign in with `aws sso login --profile corp`, then run the command again.\n',
    );
  },
);

interface Said {
  cause: string | null;
  fix: string | null;
  text: string;
}

const examine = async (...options: string[]): Promise<{ code: number; findings: Said[] }> => {
  const { code, out } = await run(['doctor', '--json', ...options]);
  return { code, findings: JSON.parse(out).findings };
};

test.each([
  ['corp', 'nobody is signed in to profile corp', 'aws sso login --profile corp'],
  ['archive', 'nobody is signed in to profile corp', 'aws sso login --profile corp'],
  ['operater', 'Did you mean "operator"?', 'aws configure list-profiles'],
])(
  'doctor with the unusable profile %s checks replication.yml, and names the command that repairs the profile',
  async (profile, said, fix) => {
    const { code, findings } = await examine('--profile', profile);
    expect([code, signedBy]).toEqual([1, []]);
    expect(findings.filter(({ cause }) => cause !== null)).toMatchObject([
      { cause: 'credentials', text: expect.stringContaining(said), fix },
    ]);
    const texts = findings.map(({ text }) => text);
    expect(texts.filter((text) => text === 'no credentials')).toHaveLength(4);
    expect(texts).toContainEqual(expect.stringContaining('replication.yml: '));
  },
);

test('doctor says of each unusable --destination-profile why, and still exits by its findings', async () => {
  const unusable = ['archive', 'nobody'].flatMap((profile) => ['--destination-profile', profile]);
  const { code, findings } = await examine('--profile', 'corp', ...unusable);
  expect(code).toBe(1);
  expect(findings.map(({ text }) => text)).toEqual(
    expect.arrayContaining([
      'profile archive: nobody is signed in to profile corp (aws sso login --profile corp)',
      expect.stringMatching(/^profile nobody: .* have no profile "nobody".*list-profiles\)$/),
    ]),
  );
});
