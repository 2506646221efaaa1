/**
 * A copy is interrupted at any point and then repeated. In the end both sides are equal, and the second copy has moved only what had not
 * arrived before. Ctrl-C interrupts a copy within this process, SIGKILL a copy in a separate process. COPY_ROUNDS sets the number of
 * rounds. In the soak, rclone and the AWS CLI also check the result if they are installed.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { SEED } from '../model/seed.ts';
import { ROOT, run } from './run.ts';

const [SOURCE, DESTINATION] = ['111111111111', '222222222222'] as const;
const REGION = 'us-east-1';
const MIB = 1024 * 1024;
const ROUNDS = Number(process.env['COPY_ROUNDS'] ?? 0);

let aws: LocalAws;
let cwd: string;
let source: S3Client;
let destination: S3Client;
let environment: Record<string, string>;

beforeAll(async () => {
  aws = await startLocalAws({ region: REGION });
  cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  aws.s3.createBucket({ name: 'documents', accountId: SOURCE, region: REGION });
  source = new S3Client(clientConfig(aws, aws.root(SOURCE), { tls: false }));
  destination = new S3Client(clientConfig(aws, aws.root(DESTINATION), { tls: false }));
  const keys = (account: string): string => {
    const { accessKeyId, secretAccessKey } = aws.root(account);
    return `aws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
  };
  writeFileSync(join(cwd, 'credentials'), `[default]\n${keys(SOURCE)}[archive]\n${keys(DESTINATION)}`);
  environment = {
    AWS_ENDPOINT_URL: aws.httpEndpoint,
    AWS_REGION: REGION,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: join(cwd, 'credentials'),
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  for (const name of ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
    vi.stubEnv(name, undefined);
  for (let index = 0; index < 6; index += 1)
    await source.send(
      new PutObjectCommand({
        Bucket: 'documents',
        Key: `small/${index}`,
        Body: Buffer.alloc(1_000 * index + 1, 1),
      }),
    );
  for (const key of ['large/a', 'large/b']) await putInParts(key);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  source?.destroy();
  destination?.destroy();
  rmSync(cwd, { recursive: true });
  await aws?.stop();
});

/** Four parts, of which the last is small. */
const putInParts = async (Key: string): Promise<void> => {
  const params = { Bucket: 'documents', Key, Body: Buffer.alloc(15 * MIB + 7, Key) };
  await new Upload({ client: source, params, partSize: 5 * MIB }).done();
};

const listed = async (client: S3Client, Bucket: string) =>
  ((await client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key, ETag, Size }) => ({
    Key,
    ETag,
    Size,
  }));

const sum = (sizes: { Size?: number | undefined }[]): number =>
  sizes.reduce((bytes, { Size = 0 }) => bytes + Size, 0);

/** The bytes that the destination has: objects, and parts of unfinished uploads. */
const arrived = async (Bucket: string): Promise<number> => {
  let bytes = sum(await listed(destination, Bucket));
  const { Uploads = [] } = await destination.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads)
    bytes += sum((await destination.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Parts ?? []);
  return bytes;
};

/** Calls `end` when this many requests have reached the destination bucket. */
const afterRequests = (bucket: string, requests: number, end: () => void): void => {
  let left = requests;
  aws.faults.plan = ({ path }) => {
    if (path.startsWith(`/${bucket}`) && !path.includes('-probe-') && --left === 0) end();
    return undefined;
  };
};

let buckets = 0;

const newBucket = (): string => {
  const name = `archive-${buckets++}`;
  aws.s3.createBucket({ name, accountId: DESTINATION, region: REGION });
  return name;
};

const argvTo = (bucket: string): string[] =>
  `copy s3://documents s3://${bucket} --destination-profile archive --concurrency 4 --json`.split(' ');

const interrupt = async (bucket: string, requests: number): Promise<void> => {
  const controller = new AbortController();
  afterRequests(bucket, requests, () => controller.abort());
  const { code } = await run(argvTo(bucket), { cwd, interrupted: controller.signal });
  expect(code).toBe(controller.signal.aborted ? 130 : 0);
};

const kill = async (bucket: string, requests: number): Promise<void> => {
  const env = { ...environment, PATH: process.env['PATH'] };
  const child = spawn(process.execPath, [`${ROOT}bin/s3-replicator.mjs`, ...argvTo(bucket)], {
    env,
    stdio: 'ignore',
  });
  afterRequests(bucket, requests, () => child.kill('SIGKILL'));
  await once(child, 'exit');
};

const repeated = async (bucket: string, end: typeof kill, requests: number): Promise<void> => {
  await end(bucket, requests);
  aws.faults.plan = undefined;
  const whole = sum(await listed(source, 'documents'));
  const before = await arrived(bucket);
  const { code, out } = await run(argvTo(bucket), { cwd });
  expect(code).toBe(0);
  expect(JSON.parse(out).copies).toMatchObject([{ isComplete: true }]);
  // A request that was under way when the process ended may arrive after `before` was counted. The second copy then moves less.
  expect(JSON.parse(out).copies[0].movedBytes).toBeLessThanOrEqual(whole - before);
  expect(await listed(destination, bucket)).toEqual(await listed(source, 'documents'));
  expect(await arrived(bucket)).toBe(whole);
};

/** The approximate number of requests that reach the destination during a whole copy. */
const ALL_REQUESTS = 31;

test(`a copy interrupted by Ctrl-C at any point continues where it was (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: ALL_REQUESTS }), (requests) =>
      repeated(newBucket(), interrupt, requests),
    ),
    { seed: SEED, numRuns: Math.max(3, ROUNDS), endOnFailure: true },
  );
});

test(`a copy that was killed at any point continues where it was (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 5, max: ALL_REQUESTS }), (requests) =>
      repeated(newBucket(), kill, requests),
    ),
    { seed: SEED, numRuns: Math.max(1, ROUNDS), endOnFailure: true },
  );
});

test('a copy continues no upload of another caller, and completes none that holds other bytes', async () => {
  const Bucket = newBucket();
  const role = aws.iam.putRole({
    accountId: DESTINATION,
    roleName: 'other',
    assumeRolePolicy: { Statement: { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' } },
    policies: [{ Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' } }],
  });
  const { credentials } = aws.iam.createSession(role.arn, 'other', 900);
  const other = new S3Client(clientConfig(aws, credentials, { tls: false }));
  const begun: (string | undefined)[] = [];
  for (const [client, fill] of [
    [other, 'large/a'],
    [destination, 'wrong'],
  ] as const) {
    // These uploads declare the checksum algorithm of the source, like the uploads of a copy.
    const at = { Bucket, Key: 'large/a', ChecksumAlgorithm: 'CRC32' } as const;
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
    const Body = Buffer.alloc(5 * MIB, fill);
    await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body }));
    begun.push(UploadId);
  }
  other.destroy();
  expect(await run(argvTo(Bucket), { cwd })).toMatchObject({ code: 0 });
  expect(await listed(destination, Bucket)).toEqual(await listed(source, 'documents'));
  const [ofAnother = ''] = begun;
  const { Parts = [] } = await destination.send(
    new ListPartsCommand({ Bucket, Key: 'large/a', UploadId: ofAnother }),
  );
  expect(Parts.map(({ PartNumber }) => PartNumber)).toEqual([1]);
});

const execute = promisify(execFile);

const isInstalled = async (program: string, option: string): Promise<boolean> =>
  await execute(program, [option]).then(
    () => true,
    () => false,
  );

test.skipIf(ROUNDS === 0)(
  'rclone and the AWS CLI find the same in both buckets after an interrupted copy',
  async (context) => {
    const has = {
      rclone: await isInstalled('rclone', 'version'),
      aws: await isInstalled('aws', '--version'),
    };
    if (!has.rclone && !has.aws) context.skip('neither rclone nor the AWS CLI is installed');
    const bucket = newBucket();
    await repeated(bucket, interrupt, 9);
    const env = { ...environment, PATH: process.env['PATH'], AWS_DEFAULT_REGION: REGION };
    if (has.rclone) {
      const remote = (account: string): string => {
        const { accessKeyId, secretAccessKey } = aws.root(account);
        return `:s3,provider=Other,endpoint="${aws.httpEndpoint}",region=${REGION},access_key_id=${accessKeyId},secret_access_key="${secretAccessKey}":`;
      };
      const argv = [
        'check',
        '--config',
        '',
        '--download',
        `${remote(SOURCE)}documents`,
        `${remote(DESTINATION)}${bucket}`,
      ];
      expect((await execute('rclone', argv, { env })).stderr).toContain('0 differences found');
    }
    if (has.aws) {
      const ls = async (name: string, profile: string): Promise<string[]> =>
        (
          await execute('aws', ['s3', 'ls', '--recursive', `s3://${name}`, '--profile', profile], { env })
        ).stdout
          .split('\n')
          .map((line) => line.slice('2026-12-01 00:00:00'.length));
      expect(await ls(bucket, 'archive')).toEqual(await ls('documents', 'default'));
    }
  },
);
