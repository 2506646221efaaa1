/**
 * Message attributes as SQS transports them. The label of their type carries their schema number (`String.1`). The number has no attribute
 * of its own, because SQS allows ten attributes, and a dead letter already has ten.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-message-attributes
 */
import type { ReplicationError } from '../model/errors.ts';
import { newerThanKnown, SCHEMAS } from '../model/schemas.ts';

export type TextAttributes = Record<string, { dataType: string; text: string }>;

const TYPE = `String.${SCHEMAS.attributes}`;

export const toTextAttributes = (texts: Record<string, string>): TextAttributes =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { dataType: TYPE, text }]));

export const textsOf = (attributes: TextAttributes): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).map(([name, { text }]) => [name, text]));

/**
 * Returns the error if a newer release wrote the attributes, and null otherwise. Other senders may give types any label. Therefore only the label
 * of `last-reason` is checked, or that of `reason` if there is no `last-reason`.
 */
export const newerAttributes = (
  attributes: Record<string, { dataType: string }>,
): ReplicationError | null => {
  const { dataType } = attributes['last-reason'] ?? attributes['reason'] ?? {};
  const label = /^String\.(\d+)$/.exec(dataType ?? '')?.[1];
  return label === undefined ? null : newerThanKnown('attributes', Number(label));
};
