/**
 * Invokes functions of the stack for an operator, because only the roles of the stack may send to its queues. The replicate function sends
 * messages on, and the backfill function sends the messages of a run.
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { QueueError } from '../dead-letters/queue.ts';
import { type ForwardedMessage, parseForwarded } from '../delivery/forwarding.ts';
import { type LetterKey, parseForgotten } from '../delivery/known-letters.ts';
import type { Origin } from '../delivery/retry.ts';
import { isRecord, parsedJson } from '../model/json.ts';
import { toQueueError } from './errors.ts';
import { SDK_LOGGER } from './sdk-logger.ts';
import { sizeOf } from './sqs/forward.ts';

/** Sends messages to a queue of the stack. Resolves to those that SQS has accepted. Throws {@link QueueError}. */
export type Forward = <Message extends ForwardedMessage>(
  to: Origin,
  messages: readonly Message[],
) => Promise<Message[]>;

/** Maximum bytes of the messages of one invocation. A payload has at most 6 MB, and JSON escapes may double the size of a message. */
const MAX_INVOCATION_BYTES = 2 * 1_048_576;

export const createForwarder = (functionName: string, region: string): Forward => {
  const invoke = createInvoker(functionName, region);
  return async <Message extends ForwardedMessage>(to: Origin, messages: readonly Message[]) => {
    const accepted: Message[] = [];
    for (const part of partsOf(messages)) {
      const positions = await invoke({ forward: to, messages: part.map(wireOf) }, parseForwarded);
      accepted.push(...part.filter((_, position) => positions.includes(position)));
    }
    return accepted;
  };
};

/** Maximum letters of one invocation. Each names a key of at most 1 KB, and a payload has at most 6 MB. */
const MAX_FORGOTTEN = 1_000;

/** Makes the replicate function forget letters that are about to be deleted. */
export const createForgetter = (
  functionName: string,
  region: string,
): ((letters: readonly LetterKey[]) => Promise<void>) => {
  const invoke = createInvoker(functionName, region);
  return async (letters) => {
    for (let start = 0; start < letters.length; start += MAX_FORGOTTEN)
      await invoke({ forget: letters.slice(start, start + MAX_FORGOTTEN) }, parseForgotten);
  };
};

/** Makes the backfill function send the messages of runs that the operator has started or resumed. */
export const createWaker = (
  functionName: string,
  region: string,
): ((runs: readonly string[]) => Promise<void>) => {
  const invoke = createInvoker(functionName, region);
  return async (runs) => {
    for (const run of runs) await invoke({ action: 'resume', run }, parseWoken);
  };
};

const parseWoken = (answer: unknown): true | null =>
  isRecord(answer) && Array.isArray(answer['runs']) ? true : null;

export type Invoke = <Answer>(payload: unknown, parse: (answer: unknown) => Answer | null) => Promise<Answer>;

/**
 * Returns a function that invokes the Lambda function and parses its answer. `parse` returns null for a value that is not an
 * answer to the payload.
 */
export const createInvoker = (functionName: string, region: string): Invoke => {
  const client = new LambdaClient({ region, logger: SDK_LOGGER });
  return async (payload, parse) => {
    const command = new InvokeCommand({
      FunctionName: functionName,
      Payload: Buffer.from(JSON.stringify(payload)),
    });
    const { Payload, FunctionError } = await client.send(command).catch((error: unknown) => {
      const resource = `function ${functionName}`;
      throw toQueueError(error, { action: 'lambda:InvokeFunction', resource, region });
    });
    const text = Buffer.from(Payload ?? []).toString();
    const answer = FunctionError === undefined ? parse(parsedJson(text)) : null;
    if (answer === null) throw new QueueError('aws-failed', failureText(functionName, text));
    return answer;
  };
};

/** Leaves out all other fields of a message, because the function does not need them. */
const wireOf = ({ body, attributes }: ForwardedMessage): ForwardedMessage => ({ body, attributes });

const partsOf = <Message extends ForwardedMessage>(messages: readonly Message[]): Message[][] => {
  const parts: Message[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const size = sizeOf(message);
    bytes += size;
    if (bytes > MAX_INVOCATION_BYTES) {
      parts.push([message]);
      bytes = size;
    } else parts.at(-1)?.push(message);
  }
  return parts;
};

const failureText = (functionName: string, answer: string): string =>
  `the function ${functionName} failed (${answer.slice(0, 500)}): see its log, and deploy the stack again if it is older than this command`;
