import { z } from 'zod';
import type { PolicyDocument } from '../core/access.ts';
import type { Iam } from '../iam/iam.ts';
import { managedPolicy } from './managed-policies.ts';
import type { ResourceContext } from './provider.ts';
import { inert, integer } from './resource-type.ts';

export const policyDocument = z.custom<PolicyDocument>(
  (value) => typeof value === 'object' && value !== null && 'Statement' in value,
  'a policy document needs a Statement',
);

export const roleProperties = z.strictObject({
  RoleName: z
    .string()
    .regex(/^[\w+=,.@-]{1,64}$/)
    .optional(),
  Path: z.string().default('/'),
  AssumeRolePolicyDocument: policyDocument,
  Policies: z.array(z.strictObject({ PolicyName: z.string(), PolicyDocument: policyDocument })).default([]),
  ManagedPolicyArns: z.array(z.string()).default([]),
  PermissionsBoundary: z.string().optional(),
  MaxSessionDuration: integer.min(3600).max(43_200).default(3600),
  Description: inert,
  Tags: inert,
});
type RoleProperties = z.infer<typeof roleProperties>;

/** A policy that another resource attaches to a role. */
export interface AttachedPolicy {
  /** The name of an inline policy, or the ARN of a managed one. */
  name: string;
  document: PolicyDocument;
}

/** The roles of all stacks, and the policies that other resources attach to these roles. */
export interface StackRoles {
  set(roleArn: string, properties: RoleProperties): void;
  delete(roleArn: string): void;
  /** Passes the role with all its policies to IAM. Throws an error if no stack has a role of that name. */
  refresh(context: ResourceContext, roleName: string): void;
  /** Attaches a policy to exactly these roles: detaches it from all other roles. */
  attach(context: ResourceContext, policyId: string, roleNames: string[], policy: AttachedPolicy): void;
  detach(context: ResourceContext, policyId: string): void;
  /** Passes the roles whose ManagedPolicyArns contain the policy to IAM again. */
  refreshUsersOf(context: ResourceContext, policyArn: string): void;
}

export const createStackRoles = (iam: Iam): StackRoles => {
  const roles = new Map<string, RoleProperties>();
  /** The policies that other resources attached, by the ARN of the role and the id of the policy. */
  const attachments = new Map<string, Map<string, AttachedPolicy>>();
  const policyOf = (policyArn: string): PolicyDocument =>
    iam.managedPolicies.get(policyArn)?.document ?? managedPolicy(policyArn);
  const refresh = (context: ResourceContext, roleName: string): string => {
    const found = [...roles].find(([arn]) => isRole(arn, context.accountId, roleName));
    if (!found) throw new Error(`The role with name ${roleName} cannot be found.`);
    const [arn, properties] = found;
    const { PermissionsBoundary: boundary } = properties;
    const policies: AttachedPolicy[] = [
      ...properties.Policies.map((policy) => ({ name: policy.PolicyName, document: policy.PolicyDocument })),
      ...properties.ManagedPolicyArns.map((policyArn) => ({
        name: policyArn,
        document: policyOf(policyArn),
      })),
      ...(attachments.get(arn)?.values() ?? []),
    ];
    iam.putRole({
      accountId: context.accountId,
      roleName,
      path: properties.Path,
      assumeRolePolicy: properties.AssumeRolePolicyDocument,
      policies: policies.map(({ document }) => document),
      policyNames: policies.map(({ name }) => name),
      maxSessionDurationSeconds: properties.MaxSessionDuration,
      boundary: boundary === undefined ? undefined : policyOf(boundary),
    });
    return arn;
  };
  const detach = (context: ResourceContext, policyId: string, except: string[] = []): void => {
    for (const [arn, policies] of attachments) {
      const roleName = nameOfRole(arn);
      if (except.includes(roleName) || !policies.delete(policyId)) continue;
      if (roles.has(arn)) refresh(context, roleName);
    }
  };
  return {
    set: (roleArn, properties) => void roles.set(roleArn, properties),
    delete: (roleArn) => void roles.delete(roleArn),
    refresh: (context, roleName) => void refresh(context, roleName),
    attach: (context, policyId, roleNames, policy) => {
      detach(context, policyId, roleNames);
      for (const roleName of roleNames) {
        const arn = refresh(context, roleName);
        attachments.set(arn, (attachments.get(arn) ?? new Map()).set(policyId, policy));
        refresh(context, roleName);
      }
    },
    detach: (context, policyId) => detach(context, policyId),
    refreshUsersOf: (context, policyArn) => {
      for (const [roleArn, role] of roles) {
        if ([role.PermissionsBoundary, ...role.ManagedPolicyArns].includes(policyArn))
          refresh(context, nameOfRole(roleArn));
      }
    },
  };
};

const nameOfRole = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

const isRole = (arn: string, accountId: string, roleName: string): boolean =>
  arn.startsWith(`arn:aws:iam::${accountId}:role/`) && arn.endsWith(`/${roleName}`);
