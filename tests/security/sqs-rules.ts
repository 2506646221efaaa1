/**
 * The messages that SQS refuses ("SendMessage" and "Amazon SQS message quotas"). The local SQS checks the same rules, but over
 * HTTP.
 */

const MAX_BYTES = 1_048_576;

/** Returns why SQS would refuse the message, or null. The attributes are texts. */
export const refusal = (body: string, attributes: Record<string, string>): string | null => {
  const entries = Object.entries(attributes);
  if (body === '') return 'the body is empty';
  if (entries.length > 10) return 'more than ten attributes';
  if (entries.some(([, value]) => value === '')) return 'an attribute is empty';
  if ([body, ...Object.values(attributes)].some((text) => ILLEGAL.test(text))) return 'an illegal character';
  const bytes = entries.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + 'String'.length + Buffer.byteLength(value),
    Buffer.byteLength(body),
  );
  return bytes > MAX_BYTES ? `${bytes} bytes` : null;
};

const ILLEGAL = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;
