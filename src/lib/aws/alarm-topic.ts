/** The SNS topic of the alarms. The stack also publishes messages to it that no alarm can express. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { CONTROL_CLIENT } from './control-client.ts';
import { translateError } from './errors.ts';
import { MAX_SUBJECT } from './run-topic.ts';

export interface AlarmTopic {
  /** Publishes a text for people. `title` becomes the subject, after the name of the stack. */
  tell(title: string, text: string): Promise<void>;
}

export const createAlarmTopic = (topicArn: string, stack: string): AlarmTopic => {
  const client = new SNSClient({ ...CONTROL_CLIENT, region: topicArn.split(':')[3] ?? '' });
  return {
    async tell(title, text) {
      const Subject = `${stack}: ${title}`.slice(0, MAX_SUBJECT);
      try {
        await client.send(new PublishCommand({ TopicArn: topicArn, Subject, Message: text }));
      } catch (error) {
        throw translateError(error, `Publish to ${topicArn}`);
      }
    },
  };
};
