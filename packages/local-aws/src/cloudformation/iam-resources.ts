import { z } from 'zod';
import type { CreatedResource } from '../core/resource-provider.ts';
import type { Iam } from '../iam/iam.ts';
import type { Provider, ResourceContext } from './provider.ts';
import { alreadyExists, defineResourceType, inert } from './resource-type.ts';
import { createStackRoles, policyDocument, roleProperties, type StackRoles } from './stack-roles.ts';

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

/** The AWS::IAM types. The local IAM has no groups and users, so a template that uses them is an error. */
export const iamProviders = (iam: Iam): Record<string, Provider> => {
  const roles = createStackRoles(iam);
  return {
    'AWS::IAM::Role': roleType(iam, roles),
    'AWS::IAM::Policy': inlinePolicyType(roles),
    'AWS::IAM::ManagedPolicy': managedPolicyType(iam, roles),
  };
};

const roleArnOf = (context: ResourceContext, path: string, roleName: string): string =>
  `arn:aws:iam::${context.accountId}:role${path}${roleName}`;

const roleType = (iam: Iam, roles: StackRoles): Provider => {
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
      roles.set(arn, properties);
      try {
        roles.refresh(context, roleName);
      } catch (error) {
        roles.delete(arn);
        throw error;
      }
      return describe(arn, roleName);
    },
    update: (context, roleName, properties) => {
      const arn = roleArnOf(context, properties.Path, roleName);
      roles.set(arn, properties);
      roles.refresh(context, roleName);
      return describe(arn, roleName);
    },
    delete: (context, roleName, properties) => {
      const arn = roleArnOf(context, properties.Path, roleName);
      roles.delete(arn);
      iam.deleteRole(arn);
    },
  });
};

const inlinePolicyType = (roles: StackRoles): Provider =>
  defineResourceType({
    properties: inlinePolicyProperties,
    replacedBy: [],
    create: (context, properties) => {
      roles.attach(context, context.generatedName, properties.Roles, inlinePolicy(properties));
      return { physicalId: context.generatedName, attributes: { Id: context.generatedName } };
    },
    update: (context, physicalId, properties) => {
      roles.attach(context, physicalId, properties.Roles, inlinePolicy(properties));
      return { physicalId, attributes: { Id: physicalId } };
    },
    delete: (context, physicalId) => roles.detach(context, physicalId),
  });

const inlinePolicy = (properties: z.infer<typeof inlinePolicyProperties>) => ({
  name: properties.PolicyName,
  document: properties.PolicyDocument,
});

const managedPolicyType = (iam: Iam, roles: StackRoles): Provider =>
  defineResourceType({
    properties: managedPolicyProperties,
    replacedBy: ['ManagedPolicyName', 'Path'],
    create: (context, properties) => {
      const name = properties.ManagedPolicyName ?? context.generatedName;
      const arn = `arn:aws:iam::${context.accountId}:policy${properties.Path}${name}`;
      if (iam.managedPolicies.get(arn)) throw alreadyExists(context, name);
      iam.managedPolicies.put(arn, properties.PolicyDocument);
      roles.attach(context, arn, properties.Roles, { name: arn, document: properties.PolicyDocument });
      return { physicalId: arn, attributes: { PolicyArn: arn } };
    },
    update: (context, arn, properties) => {
      iam.managedPolicies.put(arn, properties.PolicyDocument);
      roles.attach(context, arn, properties.Roles, { name: arn, document: properties.PolicyDocument });
      roles.refreshUsersOf(context, arn);
      return { physicalId: arn, attributes: { PolicyArn: arn } };
    },
    delete: (context, arn) => {
      roles.detach(context, arn);
      iam.managedPolicies.delete(arn);
    },
  });
