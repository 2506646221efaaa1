import { BlockList, isIP } from 'node:net';
import { matchesArn, matchesWildcard } from './wildcard.ts';

type Comparison = (actual: string, expected: string) => boolean;

/**
 * Functions that compare a value in the request with a value in the policy, by the name of the condition
 * operator.
 *
 * Source:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export const comparisons: Record<string, Comparison> = {
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

/** The negated operators, each with the operator that it negates. */
export const negations: Record<string, string> = {
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
