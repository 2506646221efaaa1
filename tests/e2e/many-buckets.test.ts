/**
 * A stack with fifty source buckets that have the longest names that S3 allows. The permissions for these buckets do not fit into the roles
 * of the functions. Only the soak deploys the stack. tests/stack/limits.test.ts looks at its template.
 */
import { GetBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageStack, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { PLAYS_ALL } from './support/seed.ts';
import {
  DESTINATION_ACCOUNT,
  SOURCE_ACCOUNT,
  startTwoAccounts,
  type TwoAccounts,
} from '../../demo/two-accounts.ts';

const BUCKETS = 50;

const bucket = (index: number): string => `source-${index}-`.padEnd(63, 'x');

const configuration = (indexes: readonly number[]) => ({
  name: 'many',
  region: 'us-east-1',
  rules: indexes.map((index) => ({
    id: `rule-${index}`,
    source: { bucket: bucket(index) },
    destinations: [
      {
        bucket: 'replicas',
        prefix: `${index}/`,
        region: 'us-east-1',
        roleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/replicas`,
        externalId: 'external',
      },
    ],
  })),
});

const ALL = Array.from({ length: BUCKETS }, (_, index) => index);

describe.runIf(PLAYS_ALL)('of a stack with fifty source buckets', () => {
  let accounts: TwoAccounts;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'many-buckets-'));
    accounts = await startTwoAccounts({ configuration: configuration(ALL) });
  });
  afterAll(async () => {
    await accounts?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('an object of each bucket is replicated, though the permissions for all of them fit into no role', async () => {
    const { aws, source, names } = accounts;
    const role = aws.iam.roleNamed(SOURCE_ACCOUNT, names.backfillRole);
    expect(JSON.stringify(role?.policies).length).toBeGreaterThan(10_240);
    await Promise.all(
      ALL.map((index) =>
        source.s3().send(new PutObjectCommand({ Bucket: bucket(index), Key: 'one', Body: 'one' })),
      ),
    );
    await accounts.waitUntilReplicated(
      ALL.map((index) => ({ bucket: bucket(index), key: 'one' })),
      { timeoutMs: 600_000 },
    );
  });

  test('a bucket that leaves replication.yml loses its notifications, while the others keep theirs', async () => {
    const { aws, source, names } = accounts;
    const replicationFile = join(folder, 'replication.yml');
    await writeFile(replicationFile, JSON.stringify(configuration(ALL.filter((index) => index !== 1))));
    await packageStack({ replicationFile, outDirectory: folder });
    await aws.cloudformation.deploy({
      accountId: SOURCE_ACCOUNT,
      region: 'us-east-1',
      stackName: names.stack,
      template: await readFile(join(folder, TEMPLATE_FILE), 'utf8'),
      artifacts: folder,
    });
    const notifications = async (index: number): Promise<number> => {
      const Bucket = bucket(index);
      const { QueueConfigurations = [] } = await source
        .s3()
        .send(new GetBucketNotificationConfigurationCommand({ Bucket }));
      return QueueConfigurations.length;
    };
    expect(await notifications(1)).toBe(0);
    expect(await notifications(0)).toBeGreaterThan(0);
    expect(await notifications(BUCKETS - 1)).toBeGreaterThan(0);
  });
});
