/** Reads JSON that comes from outside, without trusting its shape. */

export type JsonRecord = Record<string, unknown>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined: the text is no JSON. */
export const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The body of one of our own messages; an empty record if it is no JSON object. */
export const recordIn = (body: string): JsonRecord => {
  const json = parsedJson(body);
  return isRecord(json) ? json : {};
};

/** A text that is not empty; null: the value is none. */
export const textOrNull = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

/** A whole number that is not negative. */
export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

export const countOrNull = (value: unknown): number | null => (isCount(value) ? value : null);
