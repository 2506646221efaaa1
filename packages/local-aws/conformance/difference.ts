/** The checks with which a behaviour reports that an endpoint differs. */
import { isDeepStrictEqual } from 'node:util';

export class Difference extends Error {
  readonly what: string;
  readonly expected: unknown;
  readonly found: unknown;

  constructor(what: string, expected: unknown, found: unknown, cause?: unknown) {
    super(`${what}: expected ${show(expected)}, found ${show(found)}`, cause === undefined ? {} : { cause });
    this.name = 'Difference';
    this.what = what;
    this.expected = expected;
    this.found = found;
  }
}

/** Throws a {@link Difference} unless both are deeply equal. */
export const same = (what: string, found: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(found, expected)) throw new Difference(what, expected, found);
};

export const oneOf = <T>(what: string, found: T, expected: readonly T[]): void => {
  if (!expected.some((candidate) => isDeepStrictEqual(found, candidate)))
    throw new Difference(what, `one of ${show(expected)}`, found);
};

export const matches = (what: string, found: unknown, expected: RegExp): void => {
  if (typeof found !== 'string' || !expected.test(found)) throw new Difference(what, String(expected), found);
};

/** Returns the value, which must be present. */
export const present = <T>(what: string, found: T | null | undefined): T => {
  if (found === undefined || found === null) throw new Difference(what, 'something', found);
  return found;
};

/** The attempt must fail with this error, e.g. `404 NoSuchKey`. Errors of HEAD have no body, only a status: `404`. */
export const refused = async (what: string, attempt: Promise<unknown>, expected: string): Promise<void> => {
  await refusedAs(what, attempt, [expected]);
};

/** The same check when AWS allows more than one answer. */
export const refusedAs = async (
  what: string,
  attempt: Promise<unknown>,
  expected: readonly string[],
): Promise<void> => {
  const { text, cause } = await outcomeOf(attempt);
  const wanted = expected.map((one) => (/^\d+$/.test(one) ? new RegExp(`^${one}( |$)`) : one));
  const met = wanted.some((one) => (typeof one === 'string' ? one === text : one.test(text)));
  if (!met) throw new Difference(what, expected.length === 1 ? expected[0] : expected, text, cause);
};

const outcomeOf = async (attempt: Promise<unknown>): Promise<{ text: string; cause?: unknown }> => {
  try {
    await attempt;
    return { text: 'success' };
  } catch (cause) {
    const { name, $metadata: metadata } = cause as { name: string; $metadata?: { httpStatusCode?: number } };
    // This is no answer of the endpoint: a bug in the suite or a lost connection is not a difference.
    if (metadata?.httpStatusCode === undefined) throw cause;
    return { text: `${metadata.httpStatusCode} ${name}`, cause };
  }
};

export const show = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? String(value);
};
