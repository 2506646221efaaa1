import { randomUUID } from 'node:crypto';
import type { FaultPlan, MessageInQuestion } from '../core/fault.ts';
import type { MessageContent } from './message-content.ts';
import type { Queue } from './queue-registry.ts';

interface Entering {
  content: MessageContent;
  senderId: string;
  delayMs: number;
  /** The AWS service that sends the message; absent if a client sends it. */
  service?: string;
}

/** Puts a message into a queue and returns its id. The fault plan may hold the message back, delay it or duplicate it. */
export function enterQueue(plan: FaultPlan | undefined, queue: Queue, message: Entering): string {
  const { content, senderId, delayMs, service } = message;
  const question: MessageInQuestion = {
    queueArn: queue.arn,
    body: content.body,
    ...(service !== undefined && { service }),
  };
  const fault = plan?.sending?.(question);
  const id = randomUUID();
  const add = (addedDelayMs = 0): void => {
    queue.messages.add({ id, content, senderId, delayMs: delayMs + addedDelayMs });
  };
  switch (fault?.kind) {
    case 'hold-message':
    case 'overtake-message':
      if (!plan?.hold) throw new Error('a plan that holds messages needs a place for them');
      plan.hold(question, add, fault);
      break;
    case 'delay-message':
      add(fault.byMs);
      break;
    case 'duplicate-message':
      add();
      for (let copy = 0; copy < fault.copies; copy += 1) queue.messages.add({ content, senderId, delayMs });
      break;
    case undefined:
      add();
  }
  plan?.sent?.(question);
  return id;
}
