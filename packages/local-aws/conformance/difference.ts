/** Checks that behaviours use to report that an endpoint differs from AWS. */
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

/** Throws a {@link Difference} unless the two values are deeply equal. `what` names the compared value. */
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

/** Returns the value. Throws a {@link Difference} if the value is null or undefined. */
export const present = <T>(what: string, found: T | null | undefined): T => {
  if (found === undefined || found === null) throw new Difference(what, 'something', found);
  return found;
};

/**
 * Throws a {@link Difference} unless the attempt fails with this error, for example `404 NoSuchKey`. An error
 * of HEAD has no body, so only its status is compared, for example `404`.
 */
export const refused = async (what: string, attempt: Promise<unknown>, expected: string): Promise<void> => {
  await refusedAs(what, attempt, [expected]);
};

/**
 * Throws a {@link Difference} unless the attempt fails with one of these errors. Used for requests for which
 * AWS documents several errors.
 */
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
    // An error without an HTTP status is not a response of the endpoint, but a bug in the suite or a lost
    // connection.
    if (metadata?.httpStatusCode === undefined) throw cause;
    return { text: `${metadata.httpStatusCode} ${name}`, cause };
  }
};

export const show = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? String(value);
};
