/**
 * The filter patterns of CloudWatch Logs: terms of unstructured messages, regular expressions, and conditions on JSON messages. Patterns
 * of space-delimited messages are not supported.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
import { AwsError, notSupported } from '../front/aws-error.ts';
import { parseJsonPattern } from './json-pattern.ts';

/** Returns true if a message matches. */
export type LogFilter = (message: string) => boolean;

/**
 * Parses a filter pattern. An empty pattern matches every message.
 * @throws AwsError InvalidParameterException
 */
export const parseFilterPattern = (pattern: string): LogFilter => {
  const text = pattern.trim();
  if (text === '') return () => true;
  if (text.startsWith('[')) throw notSupported('filter patterns of space-delimited log events');
  if (text.startsWith('{')) return parseJsonPattern(text);
  return termFilter(text);
};

/**
 * Returns a filter for a list of terms. A message must contain all terms without a prefix, and no term with the prefix `-`. Terms with the
 * prefix `?` are optional: if there are only such terms, a message must contain at least one of them.
 */
const termFilter = (text: string): LogFilter => {
  const terms = [...text.matchAll(TERM)].map(([whole, sign = '', quoted, regex, plain]) => {
    if (whole === '') throw invalidPattern();
    return { sign, test: matcher(quoted, regex, plain) };
  });
  if (text.replace(TERM, '').trim() !== '') throw invalidPattern();
  const of = (sign: string): LogFilter[] =>
    terms.filter((term) => term.sign === sign).map(({ test }) => test);
  const [wanted, unwanted, optional] = [of(''), of('-'), of('?')];
  return (message) =>
    wanted.every((test) => test(message)) &&
    !unwanted.some((test) => test(message)) &&
    // Optional terms have no effect if there are also terms without a prefix.
    (optional.length === 0 || wanted.length > 0 || optional.some((test) => test(message)));
};

const TERM = /([-?]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"%]+))/g;

const matcher = (
  quoted: string | undefined,
  regex: string | undefined,
  plain: string | undefined,
): LogFilter => {
  if (regex !== undefined) {
    const expression = new RegExp(regex);
    return (message) => expression.test(message);
  }
  const term = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  if (plain !== undefined && !/^\w+$/.test(plain)) throw invalidPattern();
  return (message) => message.includes(term);
};

export const invalidPattern = (): AwsError =>
  new AwsError('InvalidParameterException', 'Invalid filter pattern');
