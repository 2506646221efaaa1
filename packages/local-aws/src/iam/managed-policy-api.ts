/**
 * The operations of the IAM API on managed policies. Only the default version of a policy is kept.
 * Source: the pages of these names in https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
 */
import { AwsError } from '../front/aws-error.ts';
import {
  type Call,
  encodedPolicy,
  noSuchEntity,
  type Operation,
  parsedDocument,
  required,
} from './iam-call.ts';
import type { Role } from './iam.ts';
import type { ManagedPolicy } from './managed-policies.ts';
import { isManaged } from './quotas.ts';

export interface NamedPolicy extends ManagedPolicy {
  arn: string;
}

/** Returns a managed policy. Throws NoSuchEntity if it does not exist. */
export const policyNamed = ({ iam }: Pick<Call, 'iam'>, arn: string): NamedPolicy => {
  const policy = iam.managedPolicies.get(arn);
  if (!policy) throw noSuchEntity(`Policy ${arn} was not found.`);
  return { ...policy, arn };
};

export const POLICY_OPERATIONS: Record<string, Operation<NamedPolicy>> = {
  GetPolicy: {
    known: ['PolicyArn'],
    run: (_call, { arn, version }) => ({
      Policy: { PolicyName: nameOf(arn), Arn: arn, DefaultVersionId: `v${version}` },
    }),
  },
  GetPolicyVersion: {
    known: ['PolicyArn', 'VersionId'],
    run: ({ input }, { arn, document, version }) => {
      const asked = required(input, 'VersionId');
      if (asked !== `v${version}`) throw noSuchEntity(`Policy ${arn} version ${asked} does not exist`);
      return {
        PolicyVersion: { Document: encodedPolicy(document), VersionId: asked, IsDefaultVersion: true },
      };
    },
  },
  CreatePolicyVersion: {
    known: ['PolicyArn', 'PolicyDocument', 'SetAsDefault'],
    run: ({ iam, input }, { arn }) => {
      if (input.text('SetAsDefault') !== 'true')
        throw new AwsError('NotImplemented', 'The local IAM keeps only default versions.', { status: 501 });
      const { version } = iam.managedPolicies.put(arn, parsedDocument(required(input, 'PolicyDocument')));
      return { PolicyVersion: { VersionId: `v${version}`, IsDefaultVersion: true } };
    },
  },
};

export const ATTACHMENT_OPERATIONS: Record<string, Operation<Role>> = {
  ListAttachedRolePolicies: {
    known: ['RoleName', 'PathPrefix', 'Marker', 'MaxItems'],
    run: (_call, role) => ({
      AttachedPolicies: attachedTo(role).map((arn) => ({ PolicyName: nameOf(arn), PolicyArn: arn })),
      IsTruncated: false,
    }),
  },
  AttachRolePolicy: {
    known: ['RoleName', 'PolicyArn'],
    run: (call, role) => {
      call.iam.managedPolicies.attach(role, policyNamed(call, required(call.input, 'PolicyArn')).arn);
      return {};
    },
  },
  DetachRolePolicy: {
    known: ['RoleName', 'PolicyArn'],
    run: ({ iam, input }, role) => {
      const arn = required(input, 'PolicyArn');
      if (!role.policyNames.includes(arn)) throw noSuchEntity(`Policy ${arn} was not found.`);
      iam.managedPolicies.detach(role, arn);
      return {};
    },
  },
};

const attachedTo = ({ policyNames }: Role): string[] =>
  policyNames.filter((name) => name !== null && isManaged(name)).map(String);

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
