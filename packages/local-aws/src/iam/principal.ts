import type { Caller, PolicyStatement } from '../core/access.ts';
import { UnsupportedPolicy } from './unsupported-policy.ts';

/** The principals that a `Principal` element names. */
export type PrincipalPattern =
  | { kind: 'everyone' }
  | { kind: 'account'; accountId: string }
  | { kind: 'role'; arn: string }
  | { kind: 'session'; arn: string }
  | { kind: 'unique-id'; id: string }
  | { kind: 'service'; service: string }
  /** An IAM user. This is a valid principal, but the local IAM has no users. */
  | { kind: 'nobody' };

/**
 * How a statement names the caller: by the session, by another direct name, only by the account, or not at all. In the resource's own
 * account, only `session` and `direct` grant access without an identity policy.
 */
export type PrincipalMatch = 'session' | 'direct' | 'account' | 'none';

export function parsePrincipals(principal: NonNullable<PolicyStatement['Principal']>): PrincipalPattern[] {
  if (principal === '*') return [{ kind: 'everyone' }];
  if (typeof principal !== 'object')
    throw new UnsupportedPolicy(`Principal ${JSON.stringify(principal)} is invalid`);
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
    throw new UnsupportedPolicy(
      `Principal ${JSON.stringify(name)} is not a string (an unresolved intrinsic function?)`,
    );
  }
  if (type === 'Service') return { kind: 'service', service: name };
  if (type !== 'AWS') throw new UnsupportedPolicy(`Principal type ${type} is not known to the local AWS`);
  if (name === '*') return { kind: 'everyone' };
  if (/^\d{12}$/.test(name)) return { kind: 'account', accountId: name };
  if (/^A(ROA|IDA)[A-Z0-9]+$/.test(name)) return { kind: 'unique-id', id: name };
  return parsePrincipalArn(name);
}

function parsePrincipalArn(arn: string): PrincipalPattern {
  if (/[*?]/.test(arn))
    throw new UnsupportedPolicy(`Principal ${arn}: AWS allows no wildcard inside a principal`);
  const [, service, accountId = '', resource = ''] =
    /^arn:aws[\w-]*:(iam|sts)::(\d{12}):(.+)$/.exec(arn) ?? [];
  if (service === 'iam' && resource === 'root') return { kind: 'account', accountId };
  if (service === 'iam' && resource.startsWith('role/')) return { kind: 'role', arn };
  if (service === 'iam' && resource.startsWith('user/')) return { kind: 'nobody' };
  if (service === 'sts' && resource.startsWith('assumed-role/')) return { kind: 'session', arn };
  throw new UnsupportedPolicy(`Principal ${arn} is not known to the local AWS`);
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
