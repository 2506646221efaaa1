import type { PolicyDocument, PolicyKind, PolicyStatement } from '../core/access.ts';
import { type Condition, parseCondition } from './condition.ts';
import { parsePrincipals, type PrincipalPattern } from './principal.ts';
import { MalformedPolicy, UnsupportedPolicy } from './policy-errors.ts';
import { matchesWildcard, resourcePattern } from './wildcard.ts';

export interface Statement {
  effect: 'Allow' | 'Deny';
  principals: PrincipalPattern[];
  appliesToAction(action: string): boolean;
  appliesToResource(resource: string): boolean;
  condition: Condition;
}

/**
 * Parses a policy. Throws {@link MalformedPolicy} if AWS rejects it, and {@link UnsupportedPolicy} if the local IAM cannot evaluate an
 * element. Services call this function when a policy is stored, so that the client gets the error immediately.
 */
export function parsePolicy(document: PolicyDocument, kind: PolicyKind): Statement[] {
  refuseUnknown(document, ['Version', 'Id', 'Statement'], 'policy');
  if (![undefined, '2012-10-17', '2008-10-17'].includes(document.Version)) {
    throw new MalformedPolicy(`The policy must contain a valid version string`);
  }
  if (!document.Statement) throw new MalformedPolicy('Missing required field Statement');
  const statements = listOf(document.Statement);
  const sids = statements.flatMap(({ Sid: sid }) => (sid === undefined || sid === '' ? [] : [sid]));
  if (new Set(sids).size < sids.length)
    throw new MalformedPolicy('Statement IDs (SID) in a single policy must be unique.');
  return statements.map((statement) => parseStatement(statement, kind));
}

const elements = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

function parseStatement(statement: PolicyStatement, kind: PolicyKind): Statement {
  refuseUnknown(statement, elements, 'statement');
  if (statement.NotPrincipal !== undefined) throw new UnsupportedPolicy('NotPrincipal is not supported');
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    throw new MalformedPolicy(`Invalid effect: ${String(statement.Effect)}`);
  }
  if ((statement.Principal !== undefined) !== (kind !== 'identity')) {
    throw new MalformedPolicy(
      kind === 'identity'
        ? 'Policy document should not specify a principal.'
        : 'Missing required field Principal',
    );
  }
  const hasResource = statement.Resource !== undefined || statement.NotResource !== undefined;
  if (hasResource !== (kind !== 'trust')) {
    throw new MalformedPolicy(
      kind === 'trust' ? 'Has prohibited field Resource' : 'Missing required field Resource',
    );
  }
  const actions = patternsOf(statement.Action, statement.NotAction, 'Action');
  const resources = hasResource
    ? patternsOf(statement.Resource, statement.NotResource, 'Resource').map(resourcePattern)
    : [];
  const lowerActions = actions.map((action) => action.toLowerCase());
  return {
    effect: statement.Effect,
    principals: statement.Principal === undefined ? [] : parsePrincipals(statement.Principal),
    appliesToAction: (action) =>
      lowerActions.some((pattern) => matchesWildcard(pattern, action.toLowerCase())) ===
      (statement.Action !== undefined),
    appliesToResource: (resource) =>
      !hasResource ||
      resources.some((pattern) => pattern.test(resource)) === (statement.Resource !== undefined),
    condition: parseCondition(statement.Condition, kind),
  };
}

function patternsOf(
  positive: string | string[] | undefined,
  negative: string | string[] | undefined,
  element: string,
): string[] {
  const patterns = positive ?? negative;
  if (patterns === undefined || (positive !== undefined && negative !== undefined)) {
    throw new MalformedPolicy(
      patterns === undefined
        ? `Missing required field ${element}`
        : `${element} and Not${element} exclude each other`,
    );
  }
  return listOf(patterns).map((pattern: unknown) => {
    if (typeof pattern !== 'string') {
      throw new MalformedPolicy(
        `${element} ${JSON.stringify(pattern)} is not a string (an unresolved intrinsic function?)`,
      );
    }
    if (pattern.includes('${')) throw new UnsupportedPolicy(`policy variable in ${pattern} is not supported`);
    return pattern;
  });
}

function refuseUnknown(record: object, known: string[], what: string): void {
  const unknown = Object.keys(record).find((name) => !known.includes(name));
  if (unknown) throw new MalformedPolicy(`Unknown field ${unknown} in the ${what}`);
}

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
