/** `s3-replicator copy` against the local AWS: two accounts, and two endpoints. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { run } from './run.ts';

const [SOURCE, DESTINATION] = ['111111111111', '222222222222'] as const;
const REGION = 'us-east-1';
const THERE = 'eu-west-1';

let aws: LocalAws;
let cwd: string;
let clients: S3Client[];

beforeEach(async () => {
  aws = await startLocalAws({ region: REGION });
  cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  clients = [];
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  aws.s3.createBucket({ name: 'documents', accountId: SOURCE, region: REGION, VersioningConfiguration });
  aws.s3.createBucket({ name: 'archive', accountId: DESTINATION, region: THERE, VersioningConfiguration });
  vi.stubEnv('AWS_ENDPOINT_URL', aws.httpEndpoint);
  vi.stubEnv('AWS_PROFILE', undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SESSION_TOKEN', undefined);
  vi.stubEnv('AWS_ACCESS_KEY_ID', aws.root(SOURCE).accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', aws.root(SOURCE).secretAccessKey);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(cwd, 'credentials'));
  writeProfile(aws);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const client of clients) client.destroy();
  rmSync(cwd, { recursive: true });
  await aws.stop();
});

const writeProfile = (at: LocalAws): void => {
  const { accessKeyId, secretAccessKey } = at.root(DESTINATION);
  const keys = `aws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
  writeFileSync(join(cwd, 'credentials'), `[archive]\n${keys}`);
};

const s3 = (bucket: string, at = aws): S3Client => {
  const [account, region] = bucket === 'archive' ? [DESTINATION, THERE] : [SOURCE, REGION];
  const client = new S3Client({ ...clientConfig(at, at.root(account), { tls: false }), region });
  clients.push(client);
  return client;
};

const put = async (Bucket: string, Key: string, more: object = {}): Promise<void> =>
  void (await s3(Bucket).send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}`, ...more })));

/** Returns the ETags of each key's versions, newest first. `-` at the beginning stands for a current delete marker. */
const historyOf = async (Bucket: string, at = aws): Promise<Record<string, string[]>> => {
  const { Versions = [], DeleteMarkers = [] } = await s3(Bucket, at).send(
    new ListObjectVersionsCommand({ Bucket }),
  );
  const keys: Record<string, string[]> = {};
  for (const { Key = '' } of DeleteMarkers.filter(({ IsLatest }) => IsLatest)) keys[Key] = ['-'];
  for (const { Key = '', ETag = '' } of Versions) (keys[Key] ??= []).push(ETag);
  return keys;
};

const copy = (argv: string[], io: Partial<CliIo> = {}) =>
  run(['copy', ...argv, ...(argv[0]?.startsWith('s3://') ? ['--destination-profile', 'archive'] : [])], {
    cwd,
    ...io,
  });

test('copy brings objects with their attributes into another account, proves it, and writes nothing again', async () => {
  for (const key of ['in/a', 'in/b/ö', 'out/c']) await put('documents', key, { ContentType: 'text/x-own' });
  await put('documents', 'in/tagged', { Tagging: 'team=media', Metadata: { reviewed: 'yes' } });
  const dry = await copy(['s3://documents/in', 's3://archive/copied/', '--dry-run']);
  expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('Would copy 3 objects of 3') });
  expect(await historyOf('archive')).toEqual({});

  const { code, out } = await copy(['s3://documents/in', 's3://archive/copied/']);
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringMatching(
      /^s3:\/\/documents\/in\/ to s3:\/\/archive\/copied\/\nCopied 3 objects: moved 4\d B.*all 3 keys/s,
    ),
  });
  const at = { Bucket: 'archive', Key: 'copied/tagged' };
  const head = await s3('archive').send(new HeadObjectCommand(at));
  expect(head).toMatchObject({ Metadata: { reviewed: 'yes' } });
  const { TagSet } = await s3('archive').send(new GetObjectTaggingCommand(at));
  expect(TagSet).toEqual([{ Key: 'team', Value: 'media' }]);
  const before = await historyOf('archive');
  expect(Object.keys(before).toSorted()).toEqual(['copied/a', 'copied/b/ö', 'copied/tagged']);

  const again = await copy(['s3://documents/in', 's3://archive/copied', '--json']);
  expect(JSON.parse(again.out).copies).toMatchObject([
    { isComplete: true, movedBytes: 0, compared: { keys: 3, same: 3 }, copied: { done: 0 } },
  ]);
  expect(await historyOf('archive')).toEqual(before);
});

test('copy looks again at older objects with one listing, and not with a HEAD for each', async () => {
  aws.clock.advance(-12 * 60_000);
  for (const key of ['in/a', 'in/b', 'in/c']) await put('documents', key);
  aws.clock.advance(12 * 60_000);
  const heads: string[] = [];
  aws.faults.plan = ({ method, path }) =>
    void (method === 'HEAD' && path.startsWith('/documents/in') && heads.push(path));
  expect(await run(['copy', 's3://documents/in', 's3://documents/out'], { cwd })).toMatchObject({ code: 0 });
  // There is one HEAD before each copy by S3, and none after it.
  expect(heads.toSorted()).toEqual(['/documents/in/a', '/documents/in/b', '/documents/in/c']);
});

test('copy --versions all writes every version in order, and the delete markers', async () => {
  for (const Body of ['one', 'two', 'one']) await put('documents', 'kept', { Body });
  for (const Body of ['one', 'two']) await put('documents', 'deleted', { Body });
  await s3('documents').send(new DeleteObjectCommand({ Bucket: 'documents', Key: 'deleted' }));
  const { code, out } = await copy(['s3://documents', 's3://archive', '--versions', 'all']);
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('all 2 keys') });
  expect(await historyOf('archive')).toEqual(await historyOf('documents'));
});

test('copy --delete-extra deletes what was copied before, after the name of the bucket was typed, and no other object', async () => {
  for (const key of ['a', 'b']) await put('documents', key);
  await copy(['s3://documents', 's3://archive']);
  await put('archive', 'of-others');
  await s3('documents').send(new DeleteObjectCommand({ Bucket: 'documents', Key: 'b' }));
  const argv = ['s3://documents', 's3://archive', '--delete-extra'];
  expect(await copy(argv)).toMatchObject({ code: 1, err: expect.stringContaining('Not confirmed') });
  const { code, out } = await copy(argv, { ask: async () => 'archive' });
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringMatching(/Deleted 1 replica\.\nKept 1 object that nothing proves/),
  });
  const now = await historyOf('archive');
  expect(Object.entries(now).filter(([, [newest]]) => newest === '-')).toHaveLength(1);
  expect(now['of-others']).toHaveLength(1);
});

test('copy between two endpoints needs no common server, and names what it could not read in its report', async () => {
  await using other = await startOther();
  writeProfile(other.aws);
  for (const key of ['a', 'b', 'archived'])
    await put('documents', key, key === 'archived' ? { StorageClass: 'GLACIER' } : {});
  const { code, out, err } = await copy([
    's3://documents',
    's3://archive',
    '--destination-endpoint',
    other.aws.httpEndpoint,
    ...'--report report --concurrency 2 --max-rate 1000req --max-rate 1GB'.split(' '),
  ]);
  expect({ code, out, err }).toEqual({
    code: 3,
    err: '',
    out: expect.stringMatching(/Failed: 1 archived, such as archived: /),
  });
  const listed = await s3('archive', other.aws).send(new ListObjectVersionsCommand({ Bucket: 'archive' }));
  expect(listed.Versions?.map(({ Key }) => Key)).toEqual(['a', 'b']);
  const read = (name: string): string => readFileSync(join(cwd, 'report', name), 'utf8');
  expect(read('differences.csv')).toContain('"archived",missing');
  expect(JSON.parse(read('failures.jsonl'))).toMatchObject({ key: 'archived', reason: 'archived' });
  expect(JSON.parse(read('report.json'))).toMatchObject({ copied: { done: 2, failed: 1 } });
  const page = read('report.html');
  for (const shown of ['Copy of documents to archive', 'Differs', 'archived', 'differences.csv'])
    expect(page).toContain(shown);
  expect(page).not.toContain('dlq list');
});

test('copy asks another service first, and refuses one that claims success but ignores conditions', async () => {
  await using other = await startOther();
  writeProfile(other.aws);
  await put('documents', 'a');
  other.aws.faults.plan = (request) => {
    if (request.operation === 's3:PutObject' && 'headers' in request) delete request.headers['if-none-match'];
    return undefined;
  };
  const argv = ['s3://documents', 's3://archive', '--destination-endpoint', other.aws.httpEndpoint];
  expect(await copy(argv)).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('With --conditional-writes none it can be written all the same'),
  });
  expect(await historyOf('archive', other.aws)).toEqual({});
  const { code, out } = await copy([...argv, '--conditional-writes', 'none', '--json']);
  expect({ code, copies: JSON.parse(out).copies }).toMatchObject({
    code: 0,
    copies: [{ service: { answers: { creates: 'no', replaces: 'yes' }, left: [] }, copied: { done: 1 } }],
  });
  expect(Object.keys(await historyOf('archive', other.aws))).toEqual(['a']);
});

const startOther = async () => {
  const other = await startLocalAws({ region: THERE });
  other.s3.createBucket({ name: 'archive', accountId: DESTINATION, region: THERE });
  return { aws: other, [Symbol.asyncDispose]: () => other.stop() };
};

test('copy with a role assumes it with its external id, and stops when every object is refused', async () => {
  const role = aws.iam.putRole({
    accountId: DESTINATION,
    roleName: 'lister',
    assumeRolePolicy: {
      Statement: {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${SOURCE}:root` },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': 'acme' } },
      },
    },
    // The command probes a service that is not AWS, and the role may write the objects of the probe.
    policies: [
      { Statement: { Effect: 'Allow', Action: ['s3:List*', 's3:GetBucketVersioning'], Resource: '*' } },
      {
        Statement: {
          Effect: 'Allow',
          Action: 's3:*',
          Resource: 'arn:aws:s3:::archive/s3-replicator-probe-*',
        },
      },
    ],
  });
  for (let index = 0; index < 60; index += 1) await put('documents', `${index}`);
  const { credentials } = aws.iam.createSession(
    aws.iam.putRole({
      accountId: SOURCE,
      roleName: 'person',
      assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
      policies: [{ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }],
    }).arn,
    'person',
    900,
  );
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken);
  const argv = ['copy', 's3://documents', 's3://archive', '--destination-role', role.arn];
  const distrusted = await run(argv, { cwd });
  expect(distrusted).toMatchObject({ code: 1, err: expect.stringContaining('does not trust you') });
  let puts = 0;
  aws.faults.plan = ({ method, path }) => {
    // When S3 refuses to copy an object, the command sends its bytes. Both requests are PUTs.
    if (method === 'PUT' && path.startsWith('/archive/') && !path.includes('-probe-')) puts += 1;
    return undefined;
  };
  const refused = await run([...argv, '--external-id', 'acme', '--concurrency', '4'], { cwd });
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('Access denied') });
  expect(puts).toBeGreaterThanOrEqual(20);
  expect(puts).toBeLessThan(40);
});

test.each([
  [[], 'name either SOURCE and DESTINATION, or --rule'],
  [['s3://documents'], 'needs DESTINATION'],
  [['documents', 's3://archive'], '"documents" is not like s3://bucket/prefix'],
  [['s3://documents', 's3://documents/copies'], 'the destination lies within the source'],
  [['s3://documents', 's3://archive', '--max-rate', 'fast'], '--max-rate'],
  [['s3://documents', 's3://archive', '--stage', 'prod'], '--stage belongs to --rule'],
])('copy %j is refused with exit code 2', async (argv, message) => {
  expect(await run(['copy', ...argv], { cwd })).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining(message),
  });
});
