import { AwsError } from '../front/aws-error.ts';
import { matchesWildcard } from '../iam/wildcard.ts';

/** Returns whether an event matches the EventPattern of a rule. */
export type EventPattern = (event: Record<string, unknown>) => boolean;

type Matcher = (values: unknown[]) => boolean;

/**
 * Parses an event pattern. Throws InvalidEventPatternException if EventBridge would reject the pattern, or if the local EventBridge does
 * not support it.
 *
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function parseEventPattern(pattern: unknown): EventPattern {
  if (!isRecord(pattern) || Object.keys(pattern).length === 0)
    throw invalid('an event pattern must be a JSON object');
  const clauses = Object.entries(pattern).map(
    ([name, wanted]): ((values: Record<string, unknown>[]) => boolean) => {
      if (name === '$or') {
        const branches = listOf(wanted).map(parseEventPattern);
        return (objects) => objects.some((object) => branches.some((matches) => matches(object)));
      }
      if (Array.isArray(wanted)) {
        const matches = parseMatchers(wanted);
        return (objects) => matches(objects.flatMap((object) => flat(object[name])));
      }
      const nested = parseEventPattern(wanted);
      return (objects) => {
        const children = objects.flatMap((object) => flat(object[name]));
        const inner = children.filter(isRecord);
        return (inner.length > 0 ? inner : [{}]).some(nested);
      };
    },
  );
  return (event) => clauses.every((clause) => clause([event]));
}

/** Parses a list of matchers. A value matches the list if it matches at least one of them. */
function parseMatchers(wanted: unknown[]): Matcher {
  if (wanted.length === 0) throw invalid('an empty list matches nothing');
  const matchers = wanted.map(parseMatcher);
  return (values) => matchers.some((matches) => matches(values));
}

function parseMatcher(wanted: unknown): Matcher {
  if (!isRecord(wanted)) {
    if (Array.isArray(wanted)) throw invalid('a list inside a list');
    return (values) => values.includes(wanted);
  }
  const [[name, operand] = ['', undefined], ...others] = Object.entries(wanted);
  if (others.length > 0) throw invalid(`only one operator at a time: ${JSON.stringify(wanted)}`);
  if (name === 'exists') {
    if (typeof operand !== 'boolean') throw invalid('exists must be true or false');
    return (values) => values.length > 0 === operand;
  }
  if (name === 'anything-but') {
    const excluded = isRecord(operand) ? [textTest(operand)] : listOf(operand).map(equals);
    return (values) => values.some((value) => !excluded.some((matches) => matches(value)));
  }
  const matches = name === 'numeric' ? numericTest(operand) : textTest(wanted);
  return (values) => values.some(matches);
}

function equals(wanted: unknown): (value: unknown) => boolean {
  return (value) => value === wanted;
}

/**
 * Creates the test of a prefix, suffix, equals-ignore-case or wildcard matcher. Inside a prefix or suffix matcher, there may be an
 * equals-ignore-case matcher.
 */
function textTest(wanted: Record<string, unknown>): (value: unknown) => boolean {
  const [[name, operand] = ['', undefined]] = Object.entries(wanted);
  if (isRecord(operand)) {
    const lower = String(operand['equals-ignore-case']).toLowerCase();
    const matches = textTest({ [name]: lower });
    return (value) => typeof value === 'string' && matches(value.toLowerCase());
  }
  const texts = listOf(operand).map((text) => {
    if (typeof text === 'string') return text;
    throw invalid(`${name} needs a string`);
  });
  const test = textTests[name];
  if (!test) throw invalid(`operator ${name} is not supported`);
  return (value) => typeof value === 'string' && texts.some((text) => test(value, text));
}

const textTests: Record<string, (value: string, wanted: string) => boolean> = {
  prefix: (value, wanted) => value.startsWith(wanted),
  suffix: (value, wanted) => value.endsWith(wanted),
  'equals-ignore-case': (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  // In event patterns, unlike in IAM policies, a question mark is an ordinary character.
  wildcard: (value, wanted) =>
    matchesWildcard(wanted.replaceAll('?', '\u0000'), value.replaceAll('?', '\u0000')),
};

function numericTest(operand: unknown): (value: unknown) => boolean {
  const parts = listOf(operand);
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const [operator, bound] = [parts[index], parts[index + 1]];
    if (typeof bound !== 'number') throw invalid('numeric needs pairs of an operator and a number');
    tests.push(numberTest(String(operator), bound));
  }
  return (value) => typeof value === 'number' && tests.every((matches) => matches(value));
}

function numberTest(operator: string, bound: number): (value: number) => boolean {
  switch (operator) {
    case '<':
      return (value) => value < bound;
    case '<=':
      return (value) => value <= bound;
    case '=':
      return (value) => value === bound;
    case '>=':
      return (value) => value >= bound;
    case '>':
      return (value) => value > bound;
    default:
      throw invalid(`numeric operator ${operator} does not exist`);
  }
}

/** Returns the values of a field as a list, which is empty if the field is absent. */
function flat(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
}
