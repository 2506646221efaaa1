/**
 * Messages that an operator's command gives to the replicate function, which sends them on. The queues of the stack take messages from
 * the roles of the stack only, so an operator needs the permission to invoke the function instead of permissions for the queues.
 */
import { isRecord } from '../model/json.ts';
import { type Origin, ORIGINS } from './retry.ts';

/** A message with its attributes in the form of SQS, except that binary values are in base64. */
export interface ForwardedMessage {
  body: string;
  attributes: Record<string, { dataType: string; text: string } | { dataType: string; base64: string }>;
}

/** The payload of the invocation. */
export interface Forwarding {
  /** The queue that the messages are sent to. */
  forward: Origin;
  messages: ForwardedMessage[];
}

/** The answer. */
export interface Forwarded {
  /** The positions of the messages that SQS has accepted. */
  forwarded: number[];
}

/** Reads a request to forward messages. Returns null if the event is not such a request. */
export const parseForwarding = (event: unknown): Forwarding | null => {
  if (!isRecord(event) || !Array.isArray(event['messages'])) return null;
  const forward = ORIGINS.find((origin) => origin === event['forward']);
  if (forward === undefined) return null;
  const messages: unknown[] = event['messages'];
  return messages.every(isForwardedMessage) ? { forward, messages } : null;
};

const isForwardedMessage = (value: unknown): value is ForwardedMessage =>
  isRecord(value) &&
  typeof value['body'] === 'string' &&
  isRecord(value['attributes']) &&
  Object.values(value['attributes']).every(
    (attribute) =>
      isRecord(attribute) &&
      typeof attribute['dataType'] === 'string' &&
      (typeof attribute['text'] === 'string' || typeof attribute['base64'] === 'string'),
  );

/** Reads the positions from the answer. Returns null if the value is not an answer of the function. */
export const parseForwarded = (answer: unknown): number[] | null => {
  const positions: unknown = isRecord(answer) ? answer['forwarded'] : null;
  if (!Array.isArray(positions)) return null;
  return positions.filter((each: unknown): each is number => typeof each === 'number');
};
