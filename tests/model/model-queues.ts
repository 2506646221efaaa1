/** The live queue and the waiting queues in model time. */
import type { QueueMessage, Retries, WaitingMessage, WaitingQueues } from '../../src/lib/delivery/deps.ts';
import type { RetriedPiece } from '../../src/lib/delivery/retry.ts';
import { messageOf } from './memory-retries.ts';
import type { ModelTime } from './model-time.ts';

/** How long each call to a queue takes. */
const CALL_MS = 30;
/** How long a waiting queue waits for a message before it answers that it has none. */
const POLL_MS = 1_000;
/** How long a received message of a waiting queue stays hidden. */
const HIDDEN_MS = 30_000;

interface WaitingPiece extends RetriedPiece {
  /** When the piece was sent to the waiting queue. Absent if the piece was there before the test began. */
  sentMs?: number;
}

export const createModelQueues = (
  time: ModelTime,
  names: string[],
  called: (operation: string) => void = () => undefined,
) => {
  const live: QueueMessage[] = [];
  const waitingFor = new Map<string, WaitingPiece[]>(names.map((name) => [name, []]));
  /** Messages received from the waiting queues that are still hidden, because neither `remove` nor `letBack` was called for them. */
  const hidden = new Set<QueueMessage>();
  let arrival = (): void => undefined;
  let sent = 0;
  const arrive = (message: QueueMessage): void => {
    live.push(message);
    arrival();
  };
  const again = (piece: RetriedPiece): void => arrive(messageOf(piece, `again-${sent++}`, time.now()));
  const delivered = (piece: WaitingPiece): WaitingMessage => ({
    ...messageOf(piece, `waiting-${sent++}`, piece.sentMs ?? -1),
    attributes: {},
  });
  const waiting: WaitingQueues = {
    async receive({ rule }, limit) {
      called('sqs:ReceiveMessage');
      await time.sleep(CALL_MS);
      for (let waitedMs = 0; waitedMs < POLL_MS && waitingFor.get(rule.id)?.length === 0; waitedMs += CALL_MS)
        await time.sleep(CALL_MS);
      const pieces = (waitingFor.get(rule.id) ?? []).splice(0, limit);
      const messages = pieces.map(delivered);
      for (const message of messages) hidden.add(message);
      time.after(HIDDEN_MS, () => {
        const back = pieces.filter((_, index) => hidden.delete(messages[index]!));
        waitingFor.get(rule.id)?.push(...back);
      });
      return messages;
    },
    async letBack(where, messages) {
      called('sqs:SendMessageBatch');
      await time.sleep(2 * CALL_MS);
      await waiting.remove(where, messages);
      for (const { body, retry } of messages) again({ body, retry: retry! });
      return messages.length;
    },
    remove: async (_where, messages) => {
      called('sqs:DeleteMessageBatch');
      for (const message of messages) hidden.delete(message);
    },
    async liveMessages() {
      called('sqs:GetQueueAttributes');
      return live.length;
    },
  };
  return {
    live,
    waitingFor,
    hidden,
    arrive,
    waiting,
    onArrival: (listener: () => void) => void (arrival = listener),
    retries: retriesIn(time, waitingFor, { again, called }),
  };
};

const retriesIn = (
  time: ModelTime,
  waitingFor: Map<string, WaitingPiece[]>,
  { again, called }: { again(piece: RetriedPiece): void; called(operation: string): void },
): Retries => ({
  async again(piece, delaySeconds) {
    called('sqs:SendMessage');
    time.after(delaySeconds * 1_000, () => again(piece));
  },
  async wait({ rule }, piece) {
    called('sqs:SendMessage');
    waitingFor.get(rule.id)?.push({ ...piece, sentMs: time.now() });
  },
});
