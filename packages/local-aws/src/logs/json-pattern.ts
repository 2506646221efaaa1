/**
 * Parses conditions on JSON messages, such as `{ $.rule = "invoices" && ($.bytes > 1000 || $.key = "a*") }`.
 */
import { AwsError } from '../front/aws-error.ts';

type Condition = (message: unknown) => boolean;

/**
 * Parses a condition. A message that is not JSON never matches.
 * @throws AwsError InvalidParameterException
 */
export const parseJsonPattern = (text: string): ((message: string) => boolean) => {
  const tokens = tokenize(text);
  if (tokens.shift() !== '{') throw invalid(text);
  const condition = parseOr(tokens, text);
  if (tokens.shift() !== '}' || tokens.length > 0) throw invalid(text);
  return (message) => {
    const value = parsed(message);
    return value !== undefined && condition(value);
  };
};

const TOKEN = /\s*([{}()]|&&|\|\||!=|<=|>=|[=<>]|"(?:[^"\\]|\\.)*"|%[^%]+%|[^\s{}()=<>!&|"]+)/gy;

const tokenize = (text: string): string[] => {
  const tokens: string[] = [];
  const token = new RegExp(TOKEN);
  while (token.lastIndex < text.trimEnd().length) {
    const found = token.exec(text);
    if (found === null) throw invalid(text);
    tokens.push(found[1] ?? '');
  }
  return tokens;
};

const parseOr = (tokens: string[], text: string): Condition => {
  const all = [parseAnd(tokens, text)];
  while (tokens[0] === '||') {
    tokens.shift();
    all.push(parseAnd(tokens, text));
  }
  return (message) => all.some((condition) => condition(message));
};

const parseAnd = (tokens: string[], text: string): Condition => {
  const all = [parseOne(tokens, text)];
  while (tokens[0] === '&&') {
    tokens.shift();
    all.push(parseOne(tokens, text));
  }
  return (message) => all.every((condition) => condition(message));
};

const parseOne = (tokens: string[], text: string): Condition => {
  const selector = tokens.shift() ?? '';
  if (selector === '(') {
    const inner = parseOr(tokens, text);
    if (tokens.shift() !== ')') throw invalid(text);
    return inner;
  }
  if (!selector.startsWith('$.')) throw invalid(text);
  const path = [...selector.slice(2).matchAll(/([^.[\]]+)/g)].map(([, step = '']) => step);
  const test = parseTest(tokens.shift() ?? '', tokens.shift() ?? '', text);
  return (message) => test(valueAt(message, path));
};

const parseTest = (operator: string, operand: string, text: string): Condition => {
  switch (`${operator} ${operand}`.toUpperCase()) {
    case 'IS NULL':
      return (value) => value === null;
    case 'IS TRUE':
      return (value) => value === true;
    case 'IS FALSE':
      return (value) => value === false;
    case 'NOT EXISTS':
      return (value) => value === undefined;
  }
  const number = Number(operand);
  switch (operator) {
    case '=':
      return equals(operand);
    case '!=': {
      const isSame = equals(operand);
      // `!=` does not match a message that lacks the property.
      return (value) => value !== undefined && !isSame(value);
    }
    case '<':
      return (value) => typeof value === 'number' && value < number;
    case '>':
      return (value) => typeof value === 'number' && value > number;
    case '<=':
      return (value) => typeof value === 'number' && value <= number;
    case '>=':
      return (value) => typeof value === 'number' && value >= number;
    default:
      throw invalid(text);
  }
};

/**
 * Returns a test for equality. In a text, `*` matches any characters. Numbers are compared by value, e.g. 1
 * and 1.0 are equal.
 */
const equals = (operand: string): Condition => {
  if (operand.startsWith('%')) {
    const expression = new RegExp(operand.slice(1, -1));
    return (value) => typeof value === 'string' && expression.test(value);
  }
  const isQuoted = operand.startsWith('"');
  const wanted = isQuoted ? operand.slice(1, -1).replace(/\\(.)/g, '$1') : operand;
  const expression = new RegExp(
    `^${wanted
      .split('*')
      .map((part) => part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );
  return (value) =>
    (typeof value === 'string' && expression.test(value)) ||
    (!isQuoted && typeof value === 'number' && value === Number(operand));
};

const valueAt = (message: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string, unknown>)[step]
        : undefined,
    message,
  );

const parsed = (message: string): unknown => {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
};

const invalid = (text: string): AwsError =>
  new AwsError('InvalidParameterException', `Invalid filter pattern: ${text}`);
