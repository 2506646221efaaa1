/** Reads JSON that comes from outside, without trusting its shape. */

export type JsonRecord = Record<string, unknown>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns undefined if the text is not JSON. */
export const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Parses the body of one of our own messages. Returns an empty record if the body is not a JSON object. */
export const recordIn = (body: string): JsonRecord => {
  const json = parsedJson(body);
  return isRecord(json) ? json : {};
};

/** Returns the value if it is a text that is not empty, and null otherwise. */
export const textOrNull = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

/** Returns true if the value is a whole number that is not negative. */
export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

export const countOrNull = (value: unknown): number | null => (isCount(value) ? value : null);
