import { isDeepStrictEqual } from 'node:util';
import {
  changedProperties,
  type ChangedResource,
  type Properties,
  type ResourceCall,
} from './changed-resource.ts';

/**
 * Returns the IAM calls that a change of a role or managed policy requires; null for other resource types.
 */
export const iamCalls = (type: string, change: ChangedResource): ResourceCall[] | null => {
  if (type === 'AWS::IAM::Role') return roleCalls(change);
  return type === 'AWS::IAM::ManagedPolicy' ? policyCalls(change) : null;
};

const ROLE_READS = ['iam:GetRole', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies'];

const roleCalls = (change: ChangedResource): ResourceCall[] => {
  const { verb, place, properties, oldProperties, physicalId, tags } = change;
  const { Path = '/', RoleName, PermissionsBoundary: boundary } = properties;
  const name = physicalId ?? RoleName ?? place.generatedName.slice(-64);
  const resource = `arn:aws:iam::${place.accountId}:role${String(Path)}${String(name)}`;
  const context = boundaryKey(boundary);
  const changed = changedProperties(change);
  if (verb === 'update' && changed.length === 0 && !tags.adds && !tags.removes) return [];
  const plain = {
    create: ['iam:CreateRole', ...ROLE_READS, 'iam:GetRolePolicy'],
    update: [
      ...ROLE_READS,
      'iam:GetRolePolicy',
      ...(changed.includes('AssumeRolePolicyDocument') ? ['iam:UpdateAssumeRolePolicy'] : []),
      ...(['Description', 'MaxSessionDuration'].some((each) => changed.includes(each))
        ? ['iam:UpdateRole']
        : []),
      ...(changed.includes('PermissionsBoundary')
        ? [boundary === undefined ? 'iam:DeleteRolePermissionsBoundary' : 'iam:PutRolePermissionsBoundary']
        : []),
    ],
    delete: ['iam:DeleteRole', ...ROLE_READS],
    import: [...ROLE_READS, 'iam:GetRolePolicy'],
  }[verb];
  const [before, after] = [
    verb === 'delete' ? properties : oldProperties,
    verb === 'delete' ? {} : properties,
  ];
  return [
    ...[
      ...plain,
      ...(tags.adds && verb !== 'delete' ? ['iam:TagRole'] : []),
      ...(tags.removes && verb === 'update' ? ['iam:UntagRole'] : []),
      ...inlineActions(before, after),
    ].map((action) => ({ action, resource, context })),
    ...attachments(listOf(before, 'ManagedPolicyArns'), listOf(after, 'ManagedPolicyArns')).map(
      ([action, policyArn]) => ({
        action,
        resource,
        context: { ...context, 'iam:policyarn': policyArn },
      }),
    ),
  ];
};

/**
 * Returns the condition key for the permissions boundary of a role. The key is absent if the role has no
 * boundary.
 */
const boundaryKey = (boundary: unknown): Record<string, string> =>
  typeof boundary === 'string' ? { 'iam:permissionsboundary': boundary } : {};

/** Returns the actions that a change of the role's inline policies requires. */
const inlineActions = (before: Properties, after: Properties): string[] => {
  const [old, wanted] = [before, after]
    .map((each) => each['Policies'])
    .map((each) => (Array.isArray(each) ? each : []));
  const isIn =
    (all: unknown[] = []) =>
    (policy: unknown) =>
      all.some((other) => isDeepStrictEqual(other, policy));
  const names = (wanted ?? []).map(({ PolicyName }) => PolicyName);
  return [
    ...((wanted ?? []).every(isIn(old)) ? [] : ['iam:PutRolePolicy']),
    ...((old ?? []).every(({ PolicyName }) => names.includes(PolicyName)) ? [] : ['iam:DeleteRolePolicy']),
  ];
};

const POLICY_READS = ['iam:GetPolicy', 'iam:ListPolicyVersions'];

const policyCalls = (change: ChangedResource): ResourceCall[] => {
  const { verb, place, properties, oldProperties, physicalId } = change;
  const { Path = '/', ManagedPolicyName = place.generatedName } = properties;
  const arn =
    physicalId ?? `arn:aws:iam::${place.accountId}:policy${String(Path)}${String(ManagedPolicyName)}`;
  if (verb === 'update' && changedProperties(change).length === 0) return [];
  const plain = {
    create: ['iam:CreatePolicy'],
    update: ['iam:CreatePolicyVersion', 'iam:DeletePolicyVersion', ...POLICY_READS],
    delete: ['iam:DeletePolicy', 'iam:DeletePolicyVersion', 'iam:ListEntitiesForPolicy', ...POLICY_READS],
    import: POLICY_READS,
  }[verb];
  const [before, after] = [
    verb === 'delete' ? properties : oldProperties,
    verb === 'delete' ? {} : properties,
  ];
  return [
    ...plain.map((action) => ({ action, resource: arn })),
    ...attachments(listOf(before, 'Roles'), listOf(after, 'Roles')).map(([action, name]) => {
      const { arn: resource, boundary } = change.role(name);
      return { action, resource, context: { ...boundaryKey(boundary), 'iam:policyarn': arn } };
    }),
  ];
};

const listOf = (properties: Properties, name: string): string[] => {
  const { [name]: list } = properties;
  return Array.isArray(list) ? list.map(String) : [];
};

/** Returns the calls that replace the attached policies or roles `before` by those in `after`. */
const attachments = (before: string[], after: string[]): [action: string, attached: string][] => [
  ...after
    .filter((each) => !before.includes(each))
    .map((each): [string, string] => ['iam:AttachRolePolicy', each]),
  ...before
    .filter((each) => !after.includes(each))
    .map((each): [string, string] => ['iam:DetachRolePolicy', each]),
];
