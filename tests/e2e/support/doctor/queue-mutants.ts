/** Settings of queues, and the subscription of the alarms. */
import {
  ListSubscriptionsByTopicCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { REGION, type Stage } from '../stages/stage.ts';
import type { Mutant } from './mutant.ts';

const configOf = ({ aws }: Stage) => clientConfig(aws, aws.root(SOURCE_ACCOUNT), { region: REGION });

export const queueSettingMutants = ({ aws, source, names }: Stage): Mutant[] => {
  const urlOf = (name: string): string => `${aws.endpoint}/${SOURCE_ACCOUNT}/${name}`;
  const one = (name: string, attribute: string, wrong: string, right: string): Mutant => {
    const set = (value: string) =>
      source.sqs.send(
        new SetQueueAttributesCommand({ QueueUrl: urlOf(name), Attributes: { [attribute]: value } }),
      );
    return {
      name: `queue ${name} ${attribute}`,
      place: `queue ${name} ${attribute}`,
      causes: ['queue-settings'],
      apply: async () => {
        await set(wrong);
        return () => set(right);
      },
    };
  };
  const deadLetters = JSON.stringify({
    deadLetterTargetArn: `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${names.deadLetterQueue}`,
    maxReceiveCount: 1000,
  });
  return [
    one(names.liveQueue, 'VisibilityTimeout', '30', '450'),
    one(names.backfillQueue, 'VisibilityTimeout', '30', '450'),
    one(names.liveQueue, 'MessageRetentionPeriod', '3600', '1209600'),
    one(names.deadLetterQueue, 'MessageRetentionPeriod', '3600', '1209600'),
    one(names.liveQueue, 'RedrivePolicy', '', deadLetters),
  ];
};

export const alarmMutants = (stage: Stage): Mutant[] => {
  const sns = new SNSClient(configOf(stage));
  const TopicArn = stage.outputs['AlarmTopicArn'];
  return [
    {
      name: 'nobody receives the alarms',
      place: 'alarm subscription',
      isEdited: true,
      causes: ['alarms-unheard'],
      apply: async () => {
        const { Subscriptions: [one] = [] } = await sns.send(
          new ListSubscriptionsByTopicCommand({ TopicArn }),
        );
        await sns.send(new UnsubscribeCommand({ SubscriptionArn: one?.SubscriptionArn }));
        const { Protocol, Endpoint } = one ?? {};
        return () => sns.send(new SubscribeCommand({ TopicArn, Protocol, Endpoint }));
      },
    },
  ];
};
