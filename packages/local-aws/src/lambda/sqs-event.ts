import { z } from 'zod';

const messageAttribute = z.object({
  DataType: z.string(),
  StringValue: z.string().optional(),
  BinaryValue: z.string().optional(),
});

/** A received message in SQS's JSON protocol, with all its attributes. */
export const receivedMessage = z.object({
  MessageId: z.string(),
  ReceiptHandle: z.string(),
  Body: z.string(),
  MD5OfBody: z.string(),
  MD5OfMessageAttributes: z.string().optional(),
  Attributes: z.record(z.string(), z.string()).default({}),
  MessageAttributes: z.record(z.string(), messageAttribute).default({}),
});
export type ReceivedMessage = z.infer<typeof receivedMessage>;

/**
 * Returns the event that a function receives for a batch of messages.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export const toSqsEvent = (messages: ReceivedMessage[], queueArn: string): Record<string, unknown> => ({
  Records: messages.map((message) => ({
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes).map(([name, attribute]) => [
        name,
        toEventAttribute(attribute),
      ]),
    ),
    ...(message.MD5OfMessageAttributes && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(':')[3],
  })),
});

/** Returns the trace headers of the messages, which SQS stored when they were sent. */
export const traceHeadersOf = (messages: ReceivedMessage[]): string[] =>
  messages.flatMap((message) => message.Attributes.AWSTraceHeader ?? []);

const toEventAttribute = (attribute: z.infer<typeof messageAttribute>): Record<string, unknown> => ({
  ...(attribute.StringValue !== undefined && { stringValue: attribute.StringValue }),
  ...(attribute.BinaryValue !== undefined && { binaryValue: attribute.BinaryValue }),
  stringListValues: [],
  binaryListValues: [],
  dataType: attribute.DataType,
});

/**
 * Reads from a function's response which messages of a batch failed. `payload` is the JSON of the response, for a mapping with
 * ReportBatchItemFailures. If the response is invalid, the whole batch has failed.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export const failedMessageIds = (payload: string, messages: ReceivedMessage[]): Set<string> => {
  const sent = new Set(messages.map((message) => message.MessageId));
  const failures = readFailures(payload);
  if (failures === null) return new Set();
  if (failures === 'malformed' || failures.some((id) => !sent.has(id))) return sent;
  return new Set(failures);
};

const batchResponse = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })).nullish() })
  .nullable();

const readFailures = (payload: string): string[] | 'malformed' | null => {
  const parsed = batchResponse.safeParse(parseJson(payload));
  if (!parsed.success) return 'malformed';
  return parsed.data?.batchItemFailures?.map((failure) => failure.itemIdentifier) ?? null;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
