import type { MessageInQuestion } from '../core/fault.ts';

/** Messages that are held back from their queues. */
export interface HeldMessages {
  /** Holds a message until `overtakenBy` later messages have reached its queue. With `Infinity`, holds it until `release` is called. */
  hold(message: MessageInQuestion, send: () => void, overtakenBy: number): void;
  /** Called when a message has reached its queue. Sends the held messages that enough later messages have overtaken. */
  passed(message: MessageInQuestion): void;
  /** Sends all held messages in their original order. */
  release(): void;
  list(): MessageInQuestion[];
}

interface Held {
  message: MessageInQuestion;
  send: () => void;
  overtakenBy: number;
  /** True until `passed` is called for the held message itself, which does not count as a later message. */
  isNew: boolean;
}

export const createHeldMessages = (): HeldMessages => {
  let held: Held[] = [];
  const sendAll = (due: Held[]): void => {
    held = held.filter((each) => !due.includes(each));
    for (const each of due) each.send();
  };
  return {
    hold(message, send, overtakenBy) {
      held.push({ message, send, overtakenBy, isNew: true });
    },
    passed({ queueArn }) {
      const last = held.at(-1);
      if (last?.isNew === true && last.message.queueArn === queueArn) {
        last.isNew = false;
        return;
      }
      const overtaken = held.filter((each) => each.message.queueArn === queueArn);
      for (const each of overtaken) each.overtakenBy -= 1;
      sendAll(overtaken.filter((each) => each.overtakenBy <= 0));
    },
    release: () => sendAll(held),
    list: () => held.map(({ message }) => message),
  };
};
