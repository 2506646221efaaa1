/**
 * Starts a healthy deployment, and doctor with the credentials of both accounts. Mutants change the deployment in place and undo the
 * change.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setDefaultCACertificates, getCACertificates } from 'node:tls';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT, type TwoAccounts } from '../../../../demo/two-accounts.ts';
import { run } from '../../../cli/run.ts';
import { setAwsVariables } from '../../../model/aws-variables.ts';
import { startPermissionStage } from '../permissions/losses.ts';
import type { Stage } from '../stages/stage.ts';

export interface ReportedFinding {
  group: string;
  subject: string;
  verdict: 'ok' | 'warning' | 'error' | 'not-checked';
  cause: string | null;
  text: string;
  fix: string | null;
  edit: string | null;
  fixAccount: string | null;
}

export interface Doctor extends AsyncDisposable {
  /** Runs doctor as the administrator of the source account, with a profile of each destination account. */
  examine(...more: string[]): Promise<{ code: number; findings: ReportedFinding[] }>;
  /** Runs doctor without the profiles of the destination accounts. */
  examineFromSource(...more: string[]): Promise<{ code: number; findings: ReportedFinding[] }>;
  /** Runs doctor without `--json`. */
  print(...more: string[]): Promise<{ code: number; out: string }>;
}

export interface DoctorWorld extends Doctor {
  stage: Stage;
}

/** Starts a deployment without problems, except that the bucket `bridged` keeps no versions. */
export const startDoctorWorld = async (): Promise<DoctorWorld> => {
  const stage = await startPermissionStage({
    lambda: { asyncRetryDelaysMs: [100, 100], accountConcurrency: 200, mappingSwitchMs: 0 },
  });
  const doctor = await openDoctor(stage, [DESTINATION_ACCOUNT]);
  for (const Key of ['in/first', 'tagged/first'])
    await stage.source.s3().send(new PutObjectCommand({ Bucket: 'notified', Key, Body: 'first' }));
  return {
    ...doctor,
    stage,
    [Symbol.asyncDispose]: async () => {
      await doctor[Symbol.asyncDispose]();
      await stage.stop();
    },
  };
};

/** Subscribes a queue to the alarms of a deployment, and gives doctor the credentials of all accounts. */
export const openDoctor = async (accounts: TwoAccounts, owners: readonly string[]): Promise<Doctor> => {
  const { aws, replicationFile, configuration } = accounts;
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, aws.caPem]);
  setAwsVariables({ endpoint: aws.endpoint, credentials: aws.root(SOURCE_ACCOUNT) });
  const files = await writeProfiles(accounts, owners);
  await hearAlarms(accounts);
  const doctor = (more: string[]) =>
    run(['doctor', '--config', replicationFile, '--stage', configuration.deployment.stage, ...more]);
  const examineFromSource: Doctor['examine'] = async (...more) => {
    const { code, out } = await doctor(['--json', ...more]);
    return { code, findings: JSON.parse(out).findings };
  };
  const profiles = owners.flatMap((account) => ['--destination-profile', `owner-${account}`]);
  return {
    examineFromSource,
    examine: (...more) => examineFromSource(...profiles, ...more),
    print: (...more) => doctor(more),
    [Symbol.asyncDispose]: async () => {
      setDefaultCACertificates(before);
      await rm(files, { recursive: true });
    },
  };
};

/** Writes a profile for each account. Resolves to the folder of the file. */
const writeProfiles = async ({ aws }: TwoAccounts, owners: readonly string[]): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  const profiles = owners.map((account) => {
    const { accessKeyId, secretAccessKey } = aws.root(account);
    return `[owner-${account}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  });
  await writeFile(join(folder, 'credentials'), profiles.join('\n'));
  process.env['AWS_CONFIG_FILE'] = '/dev/null';
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(folder, 'credentials');
  return folder;
};

/** Subscribes a queue to the topic of the alarms. SNS confirms a subscription of the topic's own account at once. */
const hearAlarms = async ({ aws, source, outputs }: TwoAccounts): Promise<void> => {
  const { QueueUrl } = await source.sqs.send(new CreateQueueCommand({ QueueName: 'operators' }));
  const { Attributes } = await source.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const sns = new SNSClient(clientConfig(aws, aws.root(SOURCE_ACCOUNT), { region: aws.region }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: outputs['AlarmTopicArn'],
      Protocol: 'sqs',
      Endpoint: Attributes?.QueueArn,
    }),
  );
  sns.destroy();
};
