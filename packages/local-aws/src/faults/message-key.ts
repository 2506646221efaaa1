/**
 * Returns the decoded object key in the S3 event that a message contains. The event may come directly from S3, through SNS or from
 * EventBridge. Returns '' for any other message.
 */
export const messageKey = (body: string): string => {
  const message = parse(body);
  if (typeof message.Message === 'string') return messageKey(message.Message);
  const record = Array.isArray(message.Records) ? asRecord(message.Records[0]) : {};
  const inRecord = asRecord(asRecord(record.s3).object).key;
  if (typeof inRecord === 'string') return formDecoded(inRecord);
  const inDetail = asRecord(asRecord(message.detail).object).key;
  return typeof inDetail === 'string' ? inDetail : '';
};

const parse = (text: string): Record<string, unknown> => {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {};
  }
};

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const formDecoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};
