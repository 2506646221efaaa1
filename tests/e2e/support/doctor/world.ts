/** A healthy deployment, and doctor beside it, with the credentials of both accounts. Mutants change the deployment in place and put it back. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setDefaultCACertificates, getCACertificates } from 'node:tls';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { run } from '../../../cli/run.ts';
import { setAwsVariables } from '../../../model/aws-variables.ts';
import { startPermissionStage } from '../permissions/losses.ts';
import { REGION, type Stage } from '../stages/stage.ts';

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

export interface DoctorWorld extends AsyncDisposable {
  stage: Stage;
  /** Runs doctor as the administrator of the source account, with a profile of the destination account. */
  examine(...more: string[]): Promise<{ code: number; findings: ReportedFinding[] }>;
  /** Runs doctor without that profile. */
  examineFromSource(...more: string[]): Promise<{ code: number; findings: ReportedFinding[] }>;
  /** Runs doctor without `--json`. */
  print(...more: string[]): Promise<{ code: number; out: string }>;
}

/** Everything is well in this deployment, but for the bucket `bridged`, which keeps no versions. */
export const startDoctorWorld = async (): Promise<DoctorWorld> => {
  const stage = await startPermissionStage({
    lambda: { asyncRetryDelaysMs: [100, 100], accountConcurrency: 200, mappingSwitchMs: 0 },
  });
  const { aws } = stage;
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, aws.caPem]);
  setAwsVariables({ endpoint: aws.endpoint, credentials: aws.root(SOURCE_ACCOUNT) });
  const files = await writeProfile(stage);
  await hearAlarms(stage);
  for (const Key of ['in/first', 'tagged/first'])
    await stage.source.s3().send(new PutObjectCommand({ Bucket: 'notified', Key, Body: 'first' }));
  const examineFromSource: DoctorWorld['examine'] = async (...more) => {
    const { code, out } = await run(['doctor', '--config', stage.replicationFile, '--json', ...more]);
    return { code, findings: JSON.parse(out).findings };
  };
  return {
    stage,
    examineFromSource,
    examine: (...more) => examineFromSource('--destination-profile', 'owner', ...more),
    print: (...more) => run(['doctor', '--config', stage.replicationFile, ...more]),
    [Symbol.asyncDispose]: async () => {
      setDefaultCACertificates(before);
      await rm(files, { recursive: true });
      await stage.stop();
    },
  };
};

/** Writes the profile `owner`, which has the credentials of the destination account. Resolves to the folder of the file. */
const writeProfile = async ({ aws }: Stage): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  const { accessKeyId, secretAccessKey } = aws.root(DESTINATION_ACCOUNT);
  const lines = [
    '[owner]',
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
  ];
  await writeFile(join(folder, 'credentials'), `${lines.join('\n')}\n`);
  process.env['AWS_CONFIG_FILE'] = '/dev/null';
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(folder, 'credentials');
  return folder;
};

/** Subscribes a queue to the topic of the alarms. SNS confirms a subscription of the topic's own account at once. */
const hearAlarms = async ({ aws, source, outputs }: Stage): Promise<void> => {
  const { QueueUrl } = await source.sqs.send(new CreateQueueCommand({ QueueName: 'operators' }));
  const { Attributes } = await source.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const sns = new SNSClient(clientConfig(aws, aws.root(SOURCE_ACCOUNT), { region: REGION }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: outputs['AlarmTopicArn'],
      Protocol: 'sqs',
      Endpoint: Attributes?.QueueArn,
    }),
  );
  sns.destroy();
};
