/** Tries to reach the resources of both stacks without TLS. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { clientConfig } from '@s3-replicator/local-aws';
import type { Stage } from '../stages/stage.ts';
import { WAITING_QUEUES } from './waiting-queues.ts';

/**
 * Tries to reach resources without TLS, with all rights of the accounts, so that only an explicit denial can prevent it. Returns
 * the resources that were reached.
 */
export const reachableWithoutTls = async (stage: Stage, run: string): Promise<string[]> => {
  const { aws, names } = stage;
  const root = clientConfig(aws, aws.root(SOURCE_ACCOUNT), { tls: false });
  const sqs = new SQSClient({ ...root, useQueueUrlAsEndpoint: false });
  const sns = new SNSClient(root);
  const s3 = new S3Client(clientConfig(aws, aws.root(DESTINATION_ACCOUNT), { tls: false }));
  const reachable: string[] = [];
  const attempt = async (name: string, call: Promise<unknown>): Promise<void> => {
    await call.then(
      () => reachable.push(name),
      () => undefined,
    );
  };
  for (const [name, queue] of [
    ['live queue', names.liveQueue],
    ['dead-letter queue', names.deadLetterQueue],
    ['ranges queue', names.rangesQueue],
    ['dead-letter queue of ranges', names.rangesDeadLetterQueue],
    ['backfill queue', names.backfillQueue],
    ['transfer queue', names.transferQueue],
    ['dead-letter queue of transfers', names.transferDeadLetterQueue],
    ...WAITING_QUEUES.map((suffix) => [`waiting queue ${suffix}`, `${names.waitingQueues}${suffix}`]),
  ] as [string, string][]) {
    const QueueUrl = aws.sqs.queueUrl(`arn:aws:sqs:us-east-1:${SOURCE_ACCOUNT}:${queue}`);
    await attempt(name, sqs.send(new GetQueueAttributesCommand({ QueueUrl })));
  }
  for (const [name, topic] of [
    ['alarm topic', names.alarmTopic],
    ['topic of runs', names.runsTopic],
  ] as const) {
    const TopicArn = `arn:aws:sns:us-east-1:${SOURCE_ACCOUNT}:${topic}`;
    await attempt(name, sns.send(new PublishCommand({ TopicArn, Message: 'test' })));
  }
  const test = new PutObjectCommand({ Bucket: 'replicas', Key: `plain/${run}`, Body: 'x' });
  await attempt('replicas', s3.send(test));
  for (const client of [sqs, sns, s3]) client.destroy();
  return reachable;
};
