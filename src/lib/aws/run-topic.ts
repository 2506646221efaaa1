/** The SNS topic on which the end of a run is announced. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { asciiJson } from '../hint/ascii-json.ts';
import type { RunTopic } from '../runs/ports.ts';
import { CONTROL_CLIENT } from './control-client.ts';
import { translateError } from './errors.ts';

/** Maximum characters of a subject (API_Publish.html). */
export const MAX_SUBJECT = 100;

export const createRunTopic = (topicArn: string, stack: string): RunTopic => {
  const region = topicArn.split(':')[3] ?? '';
  const client = new SNSClient({ ...CONTROL_CLIENT, region });
  return {
    async announce({ id, spec, phase, failure, checked, endedMs, digests }) {
      const command = new PublishCommand({
        TopicArn: topicArn,
        Subject: `${stack}: ${spec.kind} ${id} ${phase}`.slice(0, MAX_SUBJECT),
        Message: asciiJson({ run: id, stack, phase, spec, failure, checked, endedMs, digests }),
      });
      try {
        await client.send(command);
      } catch (error) {
        throw translateError(error, `Publish to ${topicArn}`);
      }
    },
  };
};
