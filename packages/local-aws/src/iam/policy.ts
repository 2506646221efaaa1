import type { PolicyDocument, PolicyStatement } from '../core/access.ts';
import { type Condition, parseCondition } from './condition.ts';
import { parsePrincipals, type PrincipalPattern } from './principal.ts';
import { UnsupportedPolicy } from './unsupported-policy.ts';
import { matchesWildcard } from './wildcard.ts';

/**
 * The kinds of policies. Identity policies have no principal. Resource policies and trust policies must have one. Trust policies have no
 * resource.
 */
export type PolicyKind = 'identity' | 'resource' | 'trust';

export interface Statement {
  effect: 'Allow' | 'Deny';
  principals: PrincipalPattern[];
  appliesToAction(action: string): boolean;
  appliesToResource(resource: string): boolean;
  condition: Condition;
}

/**
 * Parses a policy. Throws {@link UnsupportedPolicy} if the local IAM cannot evaluate an element. Services call this function when a policy
 * is stored, so that the client gets the error immediately.
 */
export function parsePolicy(document: PolicyDocument, kind: PolicyKind): Statement[] {
  refuseUnknown(document, ['Version', 'Id', 'Statement'], 'policy');
  if (![undefined, '2012-10-17', '2008-10-17'].includes(document.Version)) {
    throw new UnsupportedPolicy(`policy version ${document.Version} does not exist`);
  }
  if (!document.Statement) throw new UnsupportedPolicy('policy has no Statement');
  return listOf(document.Statement).map((statement) => parseStatement(statement, kind));
}

const elements = [
  'Sid',
  'Effect',
  'Principal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

function parseStatement(statement: PolicyStatement, kind: PolicyKind): Statement {
  refuseUnknown(statement, elements, 'statement');
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    throw new UnsupportedPolicy(`Effect ${String(statement.Effect)} is neither Allow nor Deny`);
  }
  if ((statement.Principal !== undefined) !== (kind !== 'identity')) {
    throw new UnsupportedPolicy(
      `a statement of an ${kind} policy ${kind === 'identity' ? 'must not' : 'must'} have a Principal`,
    );
  }
  const hasResource = statement.Resource !== undefined || statement.NotResource !== undefined;
  if (hasResource !== (kind !== 'trust')) {
    throw new UnsupportedPolicy(
      `a statement of a ${kind} policy ${kind === 'trust' ? 'must not' : 'must'} have a Resource`,
    );
  }
  const actions = patternsOf(statement.Action, statement.NotAction, 'Action');
  const resources = hasResource ? patternsOf(statement.Resource, statement.NotResource, 'Resource') : [];
  const lowerActions = actions.map((action) => action.toLowerCase());
  return {
    effect: statement.Effect,
    principals: statement.Principal === undefined ? [] : parsePrincipals(statement.Principal),
    appliesToAction: (action) =>
      matchesAny(lowerActions, action.toLowerCase()) === (statement.Action !== undefined),
    appliesToResource: (resource) =>
      !hasResource || matchesAny(resources, resource) === (statement.Resource !== undefined),
    condition: parseCondition(statement.Condition),
  };
}

function patternsOf(
  positive: string | string[] | undefined,
  negative: string | string[] | undefined,
  element: string,
): string[] {
  const patterns = positive ?? negative;
  if (patterns === undefined || (positive !== undefined && negative !== undefined)) {
    throw new UnsupportedPolicy(`a statement must have either ${element} or Not${element}`);
  }
  return listOf(patterns).map((pattern: unknown) => {
    if (typeof pattern !== 'string') {
      throw new UnsupportedPolicy(
        `${element} ${JSON.stringify(pattern)} is not a string (an unresolved intrinsic function?)`,
      );
    }
    if (pattern.includes('${')) throw new UnsupportedPolicy(`policy variable in ${pattern} is not supported`);
    return pattern;
  });
}

function matchesAny(patterns: string[], value: string): boolean {
  return patterns.some((pattern) => matchesWildcard(pattern, value));
}

function refuseUnknown(record: object, known: string[], what: string): void {
  const unknown = Object.keys(record).find((name) => !known.includes(name));
  if (unknown) throw new UnsupportedPolicy(`${what} element ${unknown} is not known to the local AWS`);
}

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
