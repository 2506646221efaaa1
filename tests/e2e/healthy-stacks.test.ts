/**
 * Doctor on ten healthy deployments that differ as much as possible. To package and deploy one takes half a minute, so only the soak plays
 * them. `npm test` has one healthy deployment, in `doctor.test.ts`.
 */
import { PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SOURCE_ACCOUNT, startTwoAccounts, type TwoAccounts } from '../../demo/two-accounts.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { accountOfArn, ruleDestinations } from '../../src/lib/model/rule.ts';
import { run } from '../cli/run.ts';
import { documentedPolicy } from '../docs/documented-policy.ts';
import { CONFIGURATIONS, PLATFORM } from '../stack/ten-configurations.ts';
import { openDoctor } from './support/doctor/world.ts';
import { PLAYS_ALL } from './support/seed.ts';

const TRUSTED = {
  Statement: { Effect: 'Allow' as const, Principal: { AWS: SOURCE_ACCOUNT }, Action: 'sts:AssumeRole' },
};
const ALLOW_ALL = { Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } };

/** Creates what the configurations expect to exist: a role, a report bucket, and what a platform team provides. */
const prepare = async ({ aws }: Pick<TwoAccounts, 'aws'>): Promise<void> => {
  aws.iam.putRole({
    accountId: SOURCE_ACCOUNT,
    roleName: 'reader',
    assumeRolePolicy: TRUSTED,
    policies: [ALLOW_ALL],
  });
  aws.s3.createBucket({ name: 'acme-reports', accountId: SOURCE_ACCOUNT, region: aws.region });
  aws.kms.put(PLATFORM.kmsKeyArn, documentedPolicy('key', { stack: '*', region: aws.region }));
  await aws.cloudformation.deploy({
    accountId: SOURCE_ACCOUNT,
    region: aws.region,
    stackName: 'platform',
    template: JSON.stringify({
      Resources: {
        Boundary: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { ManagedPolicyName: 'boundary', Path: '/platform/', PolicyDocument: ALLOW_ALL },
        },
        Alarms: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'platform-alarms' } },
      },
    }),
  });
};

/** Puts an object under each rule. If a rule lets S3 copy by itself, also puts the policies that `config policy` prints. */
const fill = async ({ source, replicationFile, configuration }: TwoAccounts): Promise<void> => {
  const { replication, deployment } = configuration;
  for (const { source: of } of replication.rules)
    await source.s3().send(
      new PutObjectCommand({
        Bucket: of.bucket,
        Key: `${of.prefix}first${of.suffix}`,
        Body: 'first',
        Tagging: 'class=public',
      }),
    );
  if (!replication.rules.some(({ copy }) => copy === 'server-side')) return;
  const argv = ['config', 'policy', '--config', replicationFile, '--stage', deployment.stage, '--json'];
  const { buckets } = JSON.parse((await run(argv)).out);
  for (const { bucket, statements } of buckets)
    await source.s3().send(
      new PutBucketPolicyCommand({
        Bucket: bucket,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
      }),
    );
};

/** The local AWS has no VPCs. */
const withoutVpc = (configuration: { stack?: object }): object => ({
  ...configuration,
  ...(configuration.stack === undefined ? {} : { stack: { ...configuration.stack, vpc: undefined } }),
});

/** The local AWS has only one partition, so `govcloud` is left out. */
const names = Object.keys(CONFIGURATIONS).filter((name) => name !== 'govcloud');

test.runIf(PLAYS_ALL).each(names)(
  'doctor reports no error on a healthy stack of the configuration %s',
  async (name) => {
    const { text = '', stage = 'prod' } = CONFIGURATIONS[name] ?? {};
    const { replication } = parseConfiguration(text, { stage });
    const places = ruleDestinations(replication);
    await using accounts = await startTwoAccounts({
      configuration: withoutVpc(parse(text)),
      stage,
      before: prepare,
      lambda: { asyncRetryDelaysMs: [100, 100], accountConcurrency: 500 },
      sourceBuckets: Object.fromEntries(
        replication.rules.map(({ source }) => [
          source.bucket,
          {
            VersioningConfiguration: { Status: 'Enabled' as const },
            ObjectLockEnabled: true,
            OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' as const }] },
          },
        ]),
      ),
      destinationParameters: Object.fromEntries(
        places.map(({ rule, destination }) => [
          destination.roleArn ?? '',
          rule.copy === 'server-side' ? { SourceBucketName: rule.source.bucket } : {},
        ]),
      ),
    });
    const owners = [...new Set(places.map(({ destination }) => accountOfArn(destination.roleArn ?? '')))];
    await using doctor = await openDoctor(accounts, owners);
    await fill(accounts);
    const { findings } = await doctor.examine();
    expect(findings.filter(({ verdict }) => verdict === 'error')).toEqual([]);
    expect(findings.filter(({ text: said }) => said.startsWith('write probe'))).toHaveLength(places.length);
  },
  600_000,
);
