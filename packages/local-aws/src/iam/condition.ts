import { BlockList, isIP } from 'node:net';
import { UnsupportedPolicy } from './unsupported-policy.ts';
import { matchesArn, matchesWildcard } from './wildcard.ts';

/** Returns the value of a condition key of the request. Keys are in lower case. Returns `undefined` for an absent key. */
export type RequestContext = (key: string) => string | undefined;

/** A parsed `Condition` element. It is true if all its clauses are true. */
export type Condition = Clause[];

interface Clause {
  key: string;
  expected: string[];
  test: (actual: string | undefined, expected: string[]) => boolean;
}

/** Parses a `Condition` element. Throws {@link UnsupportedPolicy} if the local IAM cannot evaluate it as AWS does. */
export function parseCondition(condition: Record<string, Record<string, unknown>> | undefined): Condition {
  return Object.entries(condition ?? {}).flatMap(([operator, keys]) => {
    const test = testOf(operator);
    return Object.entries(keys).map(([key, expected]) => {
      const lowerKey = key.toLowerCase();
      refuseUnknownGlobalKey(lowerKey);
      return { key: lowerKey, expected: stringsOf(expected), test };
    });
  });
}

export function conditionHolds(condition: Condition, context: RequestContext): boolean {
  return condition.every((clause) => clause.test(context(clause.key), clause.expected));
}

type Comparison = (actual: string, expected: string) => boolean;

/**
 * Returns the test of an operator. In the local AWS, every condition key has at most one value. Therefore `ForAnyValue:` only requires that
 * the key exists, and `ForAllValues:` is also true if the key is absent. A negated operator without a quantifier is true for an absent key.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
function testOf(operator: string): Clause['test'] {
  const [, quantifier, name = '', ifExists] =
    /^(ForAnyValue:|ForAllValues:)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  if (name === 'Null') {
    return (actual, expected) =>
      expected.some((wanted) => wanted.toLowerCase() === String(actual === undefined));
  }
  const positive = comparisons[name];
  if (positive) {
    const absent = quantifier === 'ForAllValues:' || ifExists !== undefined;
    return (actual, expected) =>
      actual === undefined ? absent : expected.some((wanted) => positive(actual, wanted));
  }
  const negated = comparisons[negations[name] ?? ''];
  if (!negated) throw new UnsupportedPolicy(`condition operator ${operator} is not known to the local AWS`);
  const absent = quantifier !== 'ForAnyValue:';
  return (actual, expected) =>
    actual === undefined ? absent : !expected.some((wanted) => negated(actual, wanted));
}

const comparisons: Record<string, Comparison> = {
  StringEquals: (actual, expected) => actual === expected,
  StringEqualsIgnoreCase: (actual, expected) => actual.toLowerCase() === expected.toLowerCase(),
  StringLike: (actual, expected) => matchesWildcard(expected, actual),
  ArnLike: (actual, expected) => matchesArn(expected, actual),
  ArnEquals: (actual, expected) => matchesArn(expected, actual),
  Bool: (actual, expected) => actual.toLowerCase() === expected.toLowerCase(),
  NumericEquals: (actual, expected) => Number(actual) === Number(expected),
  NumericLessThan: (actual, expected) => Number(actual) < Number(expected),
  NumericLessThanEquals: (actual, expected) => Number(actual) <= Number(expected),
  NumericGreaterThan: (actual, expected) => Number(actual) > Number(expected),
  NumericGreaterThanEquals: (actual, expected) => Number(actual) >= Number(expected),
  DateEquals: (actual, expected) => epochMs(actual) === epochMs(expected),
  DateLessThan: (actual, expected) => epochMs(actual) < epochMs(expected),
  DateLessThanEquals: (actual, expected) => epochMs(actual) <= epochMs(expected),
  DateGreaterThan: (actual, expected) => epochMs(actual) > epochMs(expected),
  DateGreaterThanEquals: (actual, expected) => epochMs(actual) >= epochMs(expected),
  IpAddress: isInNetwork,
};

const negations: Record<string, string> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotLike: 'ArnLike',
  ArnNotEquals: 'ArnEquals',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
};

function epochMs(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function isInNetwork(address: string, network: string): boolean {
  const [base = '', prefix] = network.split('/');
  const family = isIP(base) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) !== isIP(base)) return false;
  const list = new BlockList();
  list.addSubnet(base, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  return list.check(address, family);
}

/**
 * The global condition keys that the authorizer provides. A policy with another global key is rejected, because the value of that key is
 * unknown.
 */
const globalKeys = new Set([
  'aws:currenttime',
  'aws:epochtime',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalisawsservice',
  'aws:principalservicename',
  'aws:principaltype',
  'aws:requestedregion',
  'aws:resourceaccount',
  'aws:securetransport',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourceip',
  'aws:userid',
]);

function refuseUnknownGlobalKey(key: string): void {
  if (key.startsWith('aws:') && !globalKeys.has(key)) {
    throw new UnsupportedPolicy(`condition key ${key} is not known to the local AWS`);
  }
}

function stringsOf(value: unknown): string[] {
  const strings = (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
      return String(item);
    throw new UnsupportedPolicy(
      `condition value ${JSON.stringify(item)} is neither a string, a number nor a boolean`,
    );
  });
  const variable = strings.find((text) => text.includes('${'));
  if (variable) throw new UnsupportedPolicy(`policy variable in ${variable} is not supported`);
  return strings;
}
