import type { IncomingMessage } from 'node:http';

/** Maximum size of a request. The longest request is a filter with several keys. */
const MAX_BYTES = 64 * 1024;

/** The fields of a request. The value is a text, or true for a switch that is on. */
export type Fields = Readonly<Record<string, string | true | string[]>>;

/** The error about a body that cannot be read. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads a flat JSON object. Leaves out fields that are empty or false. Throws {@link BodyError}. */
export const readFields = async (request: IncomingMessage): Promise<Fields> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new BodyError(413, 'The request is too large.');
    parts.push(part);
  }
  return fieldsIn(parsed(Buffer.concat(parts).toString()));
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError(400, 'The request is not JSON.');
  }
};

const fieldsIn = (value: unknown): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BodyError(400, 'The request is not an object.');
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      const kept = keptField(field);
      return kept === null ? [] : [[name, kept]];
    }),
  );
};

const keptField = (field: unknown): string | true | null => {
  if (field === '' || field === false || field === null) return null;
  if (field === true || typeof field === 'string') return field;
  if (typeof field === 'number') return String(field);
  throw new BodyError(400, 'The request has a field that is neither text nor switch.');
};
