/** The queues of runs: ranges and ticks in one, hints for the replicate function in the other. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { asciiJson, formatHint } from '../../hint/hint.ts';
import type { RunQueues } from '../../runs/ports.ts';
import { messagesIn, sendBodies } from './send-bodies.ts';

export const createRunQueues = (
  client: SQSClient,
  { rangesUrl, hintsUrl }: { rangesUrl: string; hintsUrl: string },
): RunQueues => ({
  async send(messages, delaySeconds = 0) {
    const bodies = messages.map(({ kind: _kind, ...message }) => asciiJson(message));
    await sendBodies(client, rangesUrl, bodies, delaySeconds);
  },
  async sendHints(hints) {
    await sendBodies(client, hintsUrl, hints.map(formatHint));
  },
  hintsLeft: () => messagesIn(client, hintsUrl, 'backfill'),
});
