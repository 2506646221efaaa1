import type { PolicyDocument } from '../core/access.ts';
import { parsePolicy } from './policy.ts';
import { checkManagedPolicy } from './quotas.ts';

export interface ManagedPolicy {
  document: PolicyDocument;
  /** The number of the default version. */
  version: number;
}

/** A role with its policies. A managed policy is named by its ARN. */
interface PolicyHolder {
  policies: PolicyDocument[];
  policyNames: readonly (string | null)[];
}

/** The customer managed policies, by ARN. Only their default versions are kept. */
export interface ManagedPolicies<Role extends PolicyHolder> {
  get(policyArn: string): ManagedPolicy | undefined;
  /**
   * Creates a policy, or a new default version of an existing policy. Roles with the policy get the new version.
   * Throws QuotaExceeded.
   */
  put(policyArn: string, document: PolicyDocument): ManagedPolicy;
  delete(policyArn: string): void;
  attach(role: Role, policyArn: string): void;
  detach(role: Role, policyArn: string): void;
}

export const createManagedPolicies = <Role extends PolicyHolder>({
  roles,
  putRole,
}: {
  roles(): readonly Role[];
  putRole(role: Role): unknown;
}): ManagedPolicies<Role> => {
  const policies = new Map<string, ManagedPolicy>();
  const without = (role: Role, policyArn: string): PolicyHolder => {
    const isOther = (_: unknown, index: number): boolean => role.policyNames[index] !== policyArn;
    return { policies: role.policies.filter(isOther), policyNames: role.policyNames.filter(isOther) };
  };
  const attach = (role: Role, policyArn: string, document: PolicyDocument): void => {
    const others = without(role, policyArn);
    putRole({
      ...role,
      policies: [...others.policies, document],
      policyNames: [...others.policyNames, policyArn],
    });
  };
  return {
    get: (policyArn) => policies.get(policyArn),
    put: (policyArn, document) => {
      parsePolicy(document, 'identity');
      checkManagedPolicy(document);
      const policy = { document, version: (policies.get(policyArn)?.version ?? 0) + 1 };
      policies.set(policyArn, policy);
      for (const role of roles()) if (role.policyNames.includes(policyArn)) attach(role, policyArn, document);
      return policy;
    },
    delete: (policyArn) => void policies.delete(policyArn),
    attach: (role, policyArn) => {
      const policy = policies.get(policyArn);
      if (policy) attach(role, policyArn, policy.document);
    },
    detach: (role, policyArn) => void putRole({ ...role, ...without(role, policyArn) }),
  };
};
