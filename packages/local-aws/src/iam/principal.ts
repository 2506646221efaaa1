import type { Caller, PolicyStatement } from '../core/access.ts';
import { MalformedPolicy, UnsupportedPolicy } from './policy-errors.ts';

/** The principals that a `Principal` element names. */
export type PrincipalPattern =
  | { kind: 'everyone' }
  | { kind: 'account'; accountId: string }
  | { kind: 'role'; arn: string }
  | { kind: 'session'; arn: string }
  | { kind: 'unique-id'; id: string }
  | { kind: 'service'; service: string };

/**
 * How a statement names the caller: the session itself, directly in another way (for example by its role or with `*`), only by its account,
 * or not at all. In the resource's own account, only `session` and `direct` grant access without an identity policy.
 */
export type PrincipalMatch = 'session' | 'direct' | 'account' | 'none';

export function parsePrincipals(principal: NonNullable<PolicyStatement['Principal']>): PrincipalPattern[] {
  if (principal === '*') return [{ kind: 'everyone' }];
  if (typeof principal !== 'object')
    throw new MalformedPolicy(`Invalid principal in policy: ${JSON.stringify(principal)}`);
  return Object.entries(principal).flatMap(([type, names]) =>
    (Array.isArray(names) ? names : [names]).map((name: unknown) => parsePrincipal(type, name)),
  );
}

export function matchPrincipals(patterns: PrincipalPattern[], caller: Caller): PrincipalMatch {
  const found = new Set(patterns.map((pattern) => matchPrincipal(pattern, caller)));
  return (['session', 'direct', 'account'] as const).find((match) => found.has(match)) ?? 'none';
}

function parsePrincipal(type: string, name: unknown): PrincipalPattern {
  if (typeof name !== 'string') {
    throw new MalformedPolicy(
      `Invalid principal in policy: ${JSON.stringify(name)} is not a string (an unresolved intrinsic function?)`,
    );
  }
  if (type === 'Service') return { kind: 'service', service: name };
  if (['Federated', 'CanonicalUser'].includes(type))
    throw new UnsupportedPolicy(`Principal type ${type} is not known to the local AWS`);
  if (type !== 'AWS') throw new MalformedPolicy(`Invalid principal in policy: "${type}"`);
  if (name === '*') return { kind: 'everyone' };
  if (/^\d{12}$/.test(name)) return { kind: 'account', accountId: name };
  if (/^A(ROA|IDA)[A-Z0-9]+$/.test(name)) return { kind: 'unique-id', id: name };
  return parsePrincipalArn(name);
}

function parsePrincipalArn(arn: string): PrincipalPattern {
  if (/[*?]/.test(arn))
    throw new MalformedPolicy(`Invalid principal in policy: "AWS":"${arn}" has a wildcard`);
  const [, service, accountId = '', resource = ''] =
    /^arn:aws[\w-]*:(iam|sts)::(\d{12}):(.+)$/.exec(arn) ?? [];
  if (service === 'iam' && resource === 'root') return { kind: 'account', accountId };
  if (service === 'iam' && resource.startsWith('role/')) return { kind: 'role', arn };
  if (service === 'sts' && resource.startsWith('assumed-role/')) return { kind: 'session', arn };
  throw new MalformedPolicy(`Invalid principal in policy: "AWS":"${arn}"`);
}

function matchPrincipal(pattern: PrincipalPattern, caller: Caller): PrincipalMatch {
  if (pattern.kind === 'everyone') return 'direct';
  switch (caller.kind) {
    case 'anonymous':
      return 'none';
    case 'service':
      return pattern.kind === 'service' && pattern.service === caller.service ? 'direct' : 'none';
    case 'root':
      return pattern.kind === 'account' && pattern.accountId === caller.accountId ? 'direct' : 'none';
    case 'session':
      return matchSession(pattern, caller);
  }
}

function matchSession(pattern: PrincipalPattern, caller: Caller & { kind: 'session' }): PrincipalMatch {
  switch (pattern.kind) {
    case 'session':
      return pattern.arn === caller.arn ? 'session' : 'none';
    case 'role':
      return pattern.arn === caller.roleArn ? 'direct' : 'none';
    case 'unique-id':
      return caller.principalId.startsWith(`${pattern.id}:`) ? 'direct' : 'none';
    case 'account':
      return pattern.accountId === caller.accountId ? 'account' : 'none';
    default:
      return 'none';
  }
}
