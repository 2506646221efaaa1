/**
 * Removes one permission at a time, as permissions.test.ts does for live replication. These are the permissions to read the secret with the
 * access key of another S3 service, and to decrypt the secret with its KMS key. A person writes the policy of that KMS key.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { packageStack, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import {
  DESTINATION_ACCOUNT,
  SOURCE_ACCOUNT,
  startTwoAccounts,
  type TwoAccounts,
} from '../../demo/two-accounts.ts';
import { grantsIn } from './support/permissions/grants.ts';
import { deadLetters } from './support/queues.ts';
import { drawn } from './support/seed.ts';
import { messagesOf, PERMISSION_SECONDS, settled, waitingQueuesOf } from './support/stages/stage.ts';

const REGION = 'us-east-1';
const STRANGER = '333333333333';
const SECRET = `arn:aws:secretsmanager:${REGION}:${SOURCE_ACCOUNT}:secret:other-abcdef`;
const KEY = `arn:aws:kms:${REGION}:${SOURCE_ACCOUNT}:key/22222222-2222-2222-2222-222222222222`;
const ROLES = ['ReplicateRole', 'BatchRole', 'BackfillRole'] as const;
type Role = (typeof ROLES)[number];

let other: LocalAws;
let accounts: TwoAccounts;
let folder: string;
let template: string;

const start = async (): Promise<void> => {
  other = await startLocalAws({ region: REGION });
  const endpoint = other.httpEndpoint;
  const versioned = { VersioningConfiguration: { Status: 'Enabled' as const } };
  for (const name of ['replica', 'old-archive'])
    other.s3.createBucket({ name, accountId: STRANGER, region: REGION, ...versioned });
  folder = await mkdtemp(join(tmpdir(), 's3-replicator-'));
  const replicationFile = join(folder, 'replication.yml');
  const service = { endpoint, region: REGION, secretArn: SECRET };
  const rules = [
    {
      id: 'there',
      source: { bucket: 'documents' },
      destinations: [{ bucket: 'replica', ...service }],
    },
    {
      id: 'back',
      source: { bucket: 'old-archive', events: 'none', ...service },
      destinations: [
        {
          bucket: 'kept',
          region: REGION,
          roleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/s3-replicator`,
          externalId: 'kept-2026',
        },
      ],
    },
  ];
  await writeFile(replicationFile, JSON.stringify({ region: REGION, rules }));
  const packaged = join(folder, 'package');
  await packageStack({ replicationFile, outDirectory: packaged });
  template = await readFile(join(packaged, TEMPLATE_FILE), 'utf8');
  const { accessKeyId, secretAccessKey } = other.root(STRANGER);
  accounts = await startTwoAccounts({
    configuration: replicationFile,
    packaged,
    async before({ aws }) {
      const text = JSON.stringify({ accessKeyId, secretAccessKey });
      const place = { accountId: SOURCE_ACCOUNT, region: REGION };
      aws.secretsmanager.put({ ...place, name: 'other', suffix: 'abcdef', text, kmsKeyArn: KEY });
    },
  });
  await deployWithout(null);
  await accounts.aws.lambda
    .function(accounts.names.inspectFunction)
    .run(JSON.stringify({ inspect: 'probe' }));
};

/**
 * Deploys again without one permission. This is `<role> AccessKeys secretsmanager:GetSecretValue` or `<role> kms:Decrypt`. Null: the
 * deployment has all permissions.
 */
const deployWithout = async (permission: string | null): Promise<void> => {
  const { aws, names } = accounts;
  const changed = parseTemplate(template);
  const grant = grantsIn(changed).find(({ name }) => name === permission);
  grant?.remove(changed);
  await aws.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: REGION,
    stackName: names.stack,
    template: JSON.stringify(changed),
    artifacts: join(folder, 'package'),
  });
  const arns = ROLES.filter((role) => permission !== `${role} kms:Decrypt`).map((role) => {
    const name = aws.cloudformation
      .describe({
        accountId: SOURCE_ACCOUNT,
        region: REGION,
        stackName: names.stack,
      })
      ?.resources.get(role)?.physicalId;
    return `arn:aws:iam::${SOURCE_ACCOUNT}:role/${name}`;
  });
  aws.kms.put(KEY, {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: arns },
        Action: 'kms:Decrypt',
        Resource: '*',
        Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${REGION}.amazonaws.com` } },
      },
    ],
  });
  // A process keeps what it has read from the secret for an hour.
  for (const each of [names.replicateFunction, names.batchFunction, names.backfillFunction])
    await aws.lambda.killEnvironments(each);
};

/** Resolves to null if the replica is there. */
const lackAt = async (key: string): Promise<string | null> => {
  const client = new S3Client(clientConfig(other, other.root(STRANGER), { tls: false, region: REGION }));
  try {
    await client.send(new HeadObjectCommand({ Bucket: 'replica', Key: key }));
    return null;
  } catch (error) {
    return String(error);
  } finally {
    client.destroy();
  }
};

/** Resolves to the reason why a function cannot do its work; null if it can. */
const OBSERVED: Record<Role, (key: string) => Promise<unknown>> = {
  async ReplicateRole(key) {
    const { aws, names, source } = accounts;
    const live = messagesOf(aws, names.liveQueue);
    await source.s3().send(new PutObjectCommand({ Bucket: 'documents', Key: key, Body: key }));
    await settled({ aws, live, names, waiting: waitingQueuesOf(accounts) }, 3_600, PERMISSION_SECONDS);
    const letters = await deadLetters(accounts);
    const letter = letters.find(({ attributes }) => attributes['key'] === key);
    return letter?.attributes['reason'] ?? (await lackAt(key));
  },
  async BatchRole(key) {
    const { aws, names, source } = accounts;
    await source.s3().send(new PutObjectCommand({ Bucket: 'documents', Key: key, Body: key }));
    const tasks = [{ taskId: 'one', s3Bucket: 'documents', s3Key: key, s3VersionId: null }];
    const event = { invocationSchemaVersion: '2.0', invocationId: key, job: { id: key }, tasks };
    const { payload } = await aws.lambda.function(names.batchFunction).run(JSON.stringify(event));
    const [result] = JSON.parse(payload).results;
    return result.resultCode === 'Succeeded' ? await lackAt(key) : result.resultString;
  },
  async BackfillRole() {
    const { aws, names } = accounts;
    const backfill = aws.lambda.function(names.backfillFunction);
    const ask = async (payload: object) => JSON.parse((await backfill.run(JSON.stringify(payload))).payload);
    const started = await ask({ action: 'start', kind: 'verify', rule: 'back' });
    if (started.runs === undefined) return JSON.stringify(started);
    let [run] = started.runs;
    for (let tries = 0; tries < 300 && !/finished|failed/.test(run.phase); tries++) {
      await setTimeout(100);
      // A refused permission is tried again for two minutes.
      aws.clock.advance(5_000);
      [run] = (await ask({ action: 'status', run: run.id })).runs;
    }
    if (run.phase === 'finished') return null;
    // Until a failed run is cancelled, no other run can begin.
    await ask({ action: 'cancel', run: run.id });
    return JSON.stringify(run);
  },
};

const ROWS = drawn(
  ROLES.flatMap((role) =>
    [`${role} AccessKeys secretsmanager:GetSecretValue`, `${role} kms:Decrypt`].map((name) => ({
      role,
      name,
    })),
  ),
);

describe.skipIf(ROWS.length === 0)('the secret of another service', () => {
  beforeAll(start, 240_000);
  afterAll(async () => {
    await accounts?.stop();
    await other?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  test.each(ROWS)(
    'without the permission $name exactly the expected loss is observed',
    async (row) => {
      const { role, name } = row;
      await deployWithout(null);
      for (const each of ROLES)
        expect({ each, lost: await OBSERVED[each](`with-${ROWS.indexOf(row)}`) }).toEqual({
          each,
          lost: null,
        });
      await deployWithout(name);
      for (const each of ROLES) {
        const lost = await OBSERVED[each](`without-${ROWS.indexOf(row)}`);
        if (each === role) expect(lost).toContain('secret-unreadable');
        else expect({ each, lost }).toEqual({ each, lost: null });
      }
    },
    240_000,
  );
});
