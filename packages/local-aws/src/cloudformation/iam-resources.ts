import { z } from 'zod';
import type { PolicyDocument } from '../core/access.ts';
import type { Iam } from '../iam/iam.ts';
import type { CreatedResource } from '../core/resource-provider.ts';
import { managedPolicy } from './managed-policies.ts';
import type { Provider, ResourceContext } from './provider.ts';
import { alreadyExists, defineResourceType, inert, integer } from './resource-type.ts';

const policyDocument = z.custom<PolicyDocument>(
  (value) => typeof value === 'object' && value !== null && 'Statement' in value,
  'a policy document needs a Statement',
);

const roleProperties = z.strictObject({
  RoleName: z
    .string()
    .regex(/^[\w+=,.@-]{1,64}$/)
    .optional(),
  Path: z.string().default('/'),
  AssumeRolePolicyDocument: policyDocument,
  Policies: z.array(z.strictObject({ PolicyName: z.string(), PolicyDocument: policyDocument })).default([]),
  ManagedPolicyArns: z.array(z.string()).default([]),
  MaxSessionDuration: integer.min(3600).max(43_200).default(3600),
  Description: inert,
  Tags: inert,
});
type RoleProperties = z.infer<typeof roleProperties>;

const attachedProperties = {
  PolicyDocument: policyDocument,
  Roles: z.array(z.string()).default([]),
  Description: inert,
};
const inlinePolicyProperties = z.strictObject({ ...attachedProperties, PolicyName: z.string() });
const managedPolicyProperties = z.strictObject({
  ...attachedProperties,
  ManagedPolicyName: z.string().optional(),
  Path: z.string().default('/'),
});

/** Policies that other resources put on a role, by the role's ARN and the policy's own id. */
type Attachments = Map<string, Map<string, PolicyDocument>>;

/** The AWS::IAM types. Groups, users and permissions boundaries do not exist here and are errors. */
export const iamProviders = (iam: Iam): Record<string, Provider> => {
  const attachments: Attachments = new Map();
  const roles = new Map<string, RoleProperties>();
  /** Customer managed policies by ARN. */
  const managed = new Map<string, PolicyDocument>();
  const put = (context: ResourceContext, roleName: string): string => {
    const found = [...roles].find(([arn]) => isRole(arn, context.accountId, roleName));
    if (!found) throw new Error(`The role with name ${roleName} cannot be found.`);
    const [arn, properties] = found;
    const attached = [...(attachments.get(arn)?.values() ?? [])];
    iam.putRole({
      accountId: context.accountId,
      roleName,
      path: properties.Path,
      assumeRolePolicy: properties.AssumeRolePolicyDocument,
      policies: [
        ...properties.Policies.map((policy) => policy.PolicyDocument),
        ...properties.ManagedPolicyArns.map(
          (policyArn) => managed.get(policyArn) ?? managedPolicy(policyArn),
        ),
        ...attached,
      ],
      maxSessionDurationSeconds: properties.MaxSessionDuration,
    });
    return arn;
  };
  const attach = (
    context: ResourceContext,
    policyId: string,
    roleNames: string[],
    document: PolicyDocument,
  ): void => {
    detach(context, policyId, roleNames);
    for (const roleName of roleNames) {
      const arn = put(context, roleName);
      attachments.set(arn, (attachments.get(arn) ?? new Map()).set(policyId, document));
      put(context, roleName);
    }
  };
  const detach = (context: ResourceContext, policyId: string, except: string[] = []): void => {
    for (const [arn, policies] of attachments) {
      const roleName = arn.slice(arn.lastIndexOf('/') + 1);
      if (except.includes(roleName) || !policies.delete(policyId)) continue;
      if (roles.has(arn)) put(context, roleName);
    }
  };
  return {
    'AWS::IAM::Role': roleType(iam, roles, put),
    'AWS::IAM::Policy': defineResourceType({
      properties: inlinePolicyProperties,
      replacedBy: [],
      create: (context, properties) => {
        attach(context, context.generatedName, properties.Roles, properties.PolicyDocument);
        return { physicalId: context.generatedName, attributes: { Id: context.generatedName } };
      },
      update: (context, physicalId, properties) => {
        attach(context, physicalId, properties.Roles, properties.PolicyDocument);
        return { physicalId, attributes: { Id: physicalId } };
      },
      delete: (context, physicalId) => detach(context, physicalId),
    }),
    'AWS::IAM::ManagedPolicy': defineResourceType({
      properties: managedPolicyProperties,
      replacedBy: ['ManagedPolicyName', 'Path'],
      create: (context, properties) => {
        const name = properties.ManagedPolicyName ?? context.generatedName;
        const arn = `arn:aws:iam::${context.accountId}:policy${properties.Path}${name}`;
        if (managed.has(arn)) throw alreadyExists(context, name);
        managed.set(arn, properties.PolicyDocument);
        attach(context, arn, properties.Roles, properties.PolicyDocument);
        return { physicalId: arn, attributes: { PolicyArn: arn } };
      },
      update: (context, arn, properties) => {
        managed.set(arn, properties.PolicyDocument);
        attach(context, arn, properties.Roles, properties.PolicyDocument);
        for (const [roleArn, role] of roles) {
          if (role.ManagedPolicyArns.includes(arn)) put(context, roleArn.slice(roleArn.lastIndexOf('/') + 1));
        }
        return { physicalId: arn, attributes: { PolicyArn: arn } };
      },
      delete: (context, arn) => {
        detach(context, arn);
        managed.delete(arn);
      },
    }),
  };
};

const isRole = (arn: string, accountId: string, roleName: string): boolean =>
  arn.startsWith(`arn:aws:iam::${accountId}:role/`) && arn.endsWith(`/${roleName}`);

const roleArnOf = (context: ResourceContext, path: string, roleName: string): string =>
  `arn:aws:iam::${context.accountId}:role${path}${roleName}`;

const roleType = (
  iam: Iam,
  roles: Map<string, RoleProperties>,
  put: (context: ResourceContext, roleName: string) => string,
): Provider => {
  const describe = (arn: string, roleName: string): CreatedResource => ({
    physicalId: roleName,
    attributes: { Arn: arn, RoleId: iam.role(arn)?.roleId ?? '' },
  });
  return defineResourceType({
    properties: roleProperties,
    replacedBy: ['RoleName', 'Path'],
    create: (context, properties) => {
      const roleName = properties.RoleName ?? context.generatedName.slice(-64);
      const arn = roleArnOf(context, properties.Path, roleName);
      if (iam.role(arn)) throw alreadyExists(context, roleName);
      checkPrincipals(iam, properties.AssumeRolePolicyDocument);
      roles.set(arn, properties);
      try {
        put(context, roleName);
      } catch (error) {
        roles.delete(arn);
        throw error;
      }
      return describe(arn, roleName);
    },
    update: (context, roleName, properties) => {
      checkPrincipals(iam, properties.AssumeRolePolicyDocument);
      const arn = roleArnOf(context, properties.Path, roleName);
      roles.set(arn, properties);
      put(context, roleName);
      return describe(arn, roleName);
    },
    delete: (context, roleName, properties) => {
      const arn = roleArnOf(context, properties.Path, roleName);
      roles.delete(arn);
      iam.deleteRole(arn);
    },
  });
};

/**
 * IAM refuses a trust policy whose principal does not exist.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_policies.html
 */
const checkPrincipals = (iam: Iam, trust: PolicyDocument): void => {
  const statements = Array.isArray(trust.Statement) ? trust.Statement : [trust.Statement];
  const principals = statements.flatMap(({ Principal: principal }) =>
    typeof principal === 'object' ? [principal.AWS ?? []].flat() : [],
  );
  const missing = principals.find((arn) => /^arn:aws:iam::\d{12}:role\//.test(arn) && !iam.role(arn));
  if (missing !== undefined)
    throw new Error(`Invalid principal in policy: "AWS":"${missing}" (MalformedPolicyDocument)`);
};
