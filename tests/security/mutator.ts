/** Damages texts and values of JSON as a seed says. */

export interface Mutator {
  pick<T>(from: readonly T[]): T;
  /** Returns a copy in which some values are replaced, removed, nested or made long. */
  value(value: unknown): unknown;
  /** Returns the text, mostly unchanged, or with characters cut, doubled or replaced. */
  text(text: string): string;
}

const HOSTILE_TEXTS = [
  '',
  '\u0000',
  '\ud800',
  '\uffff\ufffe',
  '__proto__',
  '%',
  '%E0%A4%A',
  'constructor',
  '../..',
  'é'.repeat(3_000),
  'x'.repeat(20_000),
  '(a+)+$'.repeat(200),
  '2026-13-45T99:99:99Z',
  '\u202e<script>',
];

export const createMutator = (seed: number): Mutator => {
  const random = createRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const hostile = (): unknown =>
    pick<() => unknown>([
      () => pick(HOSTILE_TEXTS),
      () => pick([null, true, -1, 0, 1.5, 1e308, Number.MAX_SAFE_INTEGER]),
      () => [],
      () => ({}),
      () => nested(Math.floor(random() * 3_000)),
      () => Array.from({ length: Math.floor(random() * 200) }, () => pick([null, {}, 'x'])),
      () => parsedProto(),
    ])();
  const value = (given: unknown): unknown => {
    if (random() < 0.06) return hostile();
    if (Array.isArray(given))
      return given.flatMap((each) => (random() < 0.05 ? [each, value(each)] : [value(each)]));
    if (typeof given !== 'object' || given === null) return given;
    const entries = Object.entries(given).filter(() => random() > 0.04);
    return Object.fromEntries(
      entries.map(([name, each]) => [random() < 0.02 ? String(hostile()) : name, value(each)]),
    );
  };
  const text = (given: string): string => {
    if (random() < 0.6) return given;
    const at = Math.floor(random() * given.length);
    const until = at + Math.floor(random() * 12);
    return pick([
      given.slice(0, at),
      given.slice(0, at) + given.slice(until),
      given.slice(0, at) + pick(HOSTILE_TEXTS) + given.slice(until),
      given.slice(0, at) + given.slice(at, until).repeat(50) + given.slice(until),
      given + given,
    ]);
  };
  return { pick, value, text };
};

const nested = (depth: number): unknown => {
  let value: unknown = 'deep';
  for (let n = 0; n < depth; n += 1) value = n % 2 === 0 ? [value] : { value };
  return value;
};

/** An own property with this name, as JSON.parse makes it. */
const parsedProto = (): unknown => JSON.parse('{"__proto__":{"bucket":"b"},"key":"k"}');

/** The generator mulberry32. */
const createRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
