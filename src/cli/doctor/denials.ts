/**
 * Finds the statements of a bucket policy that deny something to roles, and excludes the roles from these statements. Reads only
 * statements whose meaning is certain: those without a condition, and those with a condition on the caller. The requests of the function
 * itself show the effect of all other statements.
 */
import { isRecord, parsedJson } from '../../lib/model/json.ts';
import type { ResourceNames } from '../../lib/configuration/resource-names.ts';
import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import { accountOf, type Context } from './context.ts';
import { listOf, statementsOf } from './policy-document.ts';

type RoleName = Extract<keyof ResourceNames, `${string}Role`>;

/** Roles, and the actions that they need. */
export interface Needed {
  roles: string[];
  actions: string[];
}

export interface Denials {
  /** The Sids of the statements that deny a role an action that it needs. */
  sids: string[];
  /** The corrected policy, in which these statements no longer concern the roles. */
  policy: string;
}

export const denialsIn = (policy: string, needed: readonly Needed[]): Denials => {
  const sids: string[] = [];
  const statements = statementsOf(policy).map((statement, index) => {
    const hit = needed.flatMap((each) => hitRoles(statement, each));
    if (hit.length === 0) return statement;
    sids.push(String(statement['Sid'] ?? `number ${index + 1}`));
    return { ...statement, Condition: without(statement['Condition'], [...new Set(hit)]) };
  });
  const document = parsedJson(policy);
  return {
    sids,
    policy: JSON.stringify({ ...(isRecord(document) ? document : {}), Statement: statements }),
  };
};

const hitRoles = (statement: Record<string, unknown>, { roles, actions }: Needed): string[] => {
  const isDenied =
    statement['Effect'] === 'Deny' &&
    actions.some((action) => listOf(statement['Action']).some((pattern) => matches(pattern, action)));
  if (!isDenied) return [];
  return roles.filter((arn) => concerns(statement, arn) && conditionHits(statement['Condition'], arn));
};

/** Adds a condition that excludes the roles. A denial applies only if all its conditions are met, so one more condition is enough. */
const without = (condition: unknown, roles: string[]): object => {
  const known = isRecord(condition) ? condition : {};
  const excluded = isRecord(known['ArnNotEquals']) ? known['ArnNotEquals'] : {};
  const name = Object.keys(excluded).find((key) => key.toLowerCase() === 'aws:principalarn');
  const arns = [...listOf(excluded[name ?? '']), ...roles];
  return { ...known, ArnNotEquals: { ...excluded, [name ?? 'aws:PrincipalArn']: arns } };
};

/** Returns the ARNs of the given roles of the stack. */
export const ownRoles = (context: Context, roles: readonly RoleName[]): string[] => {
  const partition = partitionOfRegion(context.region);
  const path = `arn:${partition}:iam::${accountOf(context)}:role${context.configuration.stack.rolePath}`;
  return roles.map((role) => `${path}${context.names[role]}`);
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
