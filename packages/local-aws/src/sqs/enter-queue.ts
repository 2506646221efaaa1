import { randomUUID } from 'node:crypto';
import type { FaultPlan, MessageInQuestion } from '../core/fault.ts';
import type { MessageContent } from './message-content.ts';
import type { Queue } from './queue-registry.ts';

interface Entering {
  content: MessageContent;
  senderId: string;
  delayMs: number;
  /** Absent when a client sends the message. */
  service?: string;
}

/** Puts a message into a queue, or lets the fault plan hold, delay or duplicate it. Returns the message's id. */
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
