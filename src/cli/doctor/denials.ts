/**
 * Finds the denials of a bucket policy that concern the functions. Only statements with a certain meaning are read: those without a
 * condition, and those with a condition on the caller. The requests of the function itself show the effect of all others.
 */
import { isRecord } from '../../lib/model/json.ts';
import type { ResourceNames } from '../../lib/configuration/resource-names.ts';
import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import { accountOf, type Context } from './context.ts';
import { listOf, statementsOf } from './policy-document.ts';

type RoleName = Extract<keyof ResourceNames, `${string}Role`>;

/** Returns the Sids of the statements that deny one of the actions to one of the stack's roles. */
export const hittingDenials = (
  context: Context,
  policy: string,
  roles: RoleName[],
  actions: string[],
): string[] => {
  const partition = partitionOfRegion(context.region);
  const path = `arn:${partition}:iam::${accountOf(context)}:role${context.configuration.stack.rolePath}`;
  const arns = roles.map((role) => `${path}${context.names[role]}`);
  return statementsOf(policy).flatMap((statement, index) => {
    if (statement['Effect'] !== 'Deny') return [];
    const isHit =
      actions.some((action) => listOf(statement['Action']).some((pattern) => matches(pattern, action))) &&
      arns.some((arn) => concerns(statement, arn) && conditionHits(statement['Condition'], arn));
    return isHit ? [String(statement['Sid'] ?? `number ${index + 1}`)] : [];
  });
};

const concerns = ({ Principal: principal }: Record<string, unknown>, arn: string): boolean => {
  if (principal === '*') return true;
  const named = isRecord(principal) ? listOf(principal['AWS']) : [];
  const account = arn.split(':')[4] ?? '';
  return named.some(
    (one) => one === '*' || one === arn || one === account || one.endsWith(`:${account}:root`),
  );
};

/** Returns whether the condition certainly applies to the role. For an unknown condition, returns false. */
const conditionHits = (condition: unknown, arn: string): boolean => {
  if (condition === undefined) return true;
  if (!isRecord(condition)) return false;
  return Object.entries(condition).every(([operator, keys]) =>
    Object.entries(isRecord(keys) ? keys : {}).every(([key, values]) => {
      const actual = factAbout(key.toLowerCase(), arn);
      if (actual === null) return false;
      const isAmong = listOf(values).some((pattern) => matches(pattern, actual));
      if (/^(StringNot|ArnNot)/.test(operator)) return !isAmong;
      return /^(String|Arn)(Equals|Like)$/.test(operator) && isAmong;
    }),
  );
};

const factAbout = (key: string, arn: string): string | null => {
  if (key === 'aws:principalarn') return arn;
  return key === 'aws:principalaccount' ? (arn.split(':')[4] ?? null) : null;
};

/** `*` matches any characters, and `?` matches one character. */
const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  ).test(text);
