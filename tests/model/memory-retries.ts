/** A model of the queues to which failed pieces of messages are sent again, and of the waiting queues. */
import type { QueueMessage, Retries, WaitingQueues } from '../../src/lib/delivery/deps.ts';
import type { Brakes } from '../../src/lib/delivery/brakes.ts';
import type { Circuits } from '../../src/lib/delivery/circuits.ts';
import type { RetriedPiece } from '../../src/lib/delivery/retry.ts';
import { noBrakes } from './memory-brakes.ts';
import { closedCircuits } from './memory-circuits.ts';

/** A piece that was sent again. `delaySeconds` is null if the piece is in a waiting queue. */
export interface SentPiece extends RetriedPiece {
  delaySeconds: number | null;
}

/** `send` receives each piece that is sent again. The waiting queues are empty, and no destination is avoided. */
export const memoryRetries = (
  send: (piece: SentPiece) => Promise<void>,
): { retries: Retries; waiting: WaitingQueues; circuits: Circuits; brake: Brakes } => ({
  circuits: closedCircuits,
  brake: noBrakes,
  retries: {
    again: ({ body, retry }, delaySeconds) => send({ body, retry, delaySeconds }),
    wait: (_where, { body, retry }) => send({ body, retry, delaySeconds: null }),
  },
  waiting: {
    receive: async () => [],
    letBack: async (_where, messages) => messages.length,
    remove: async () => undefined,
    liveMessages: async () => 0,
  },
});

/** Returns the message that SQS delivers for an event. */
export const eventMessage = (body: string, messageId: string, sentMs = 0): QueueMessage => ({
  messageId,
  receiptHandle: messageId,
  body,
  receiveCount: 1,
  sentMs,
  origin: 'live',
  retry: null,
  earlier: null,
});

/** Returns the message that SQS delivers for a piece that was sent again. */
export const messageOf = ({ body, retry }: RetriedPiece, messageId: string, sentMs = 0): QueueMessage => ({
  ...eventMessage(body, messageId, sentMs),
  origin: retry.origin,
  retry,
});
