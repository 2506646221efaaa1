import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PolicyDocument } from '../core.ts';
import type { CreatedResource } from '../resource-provider.ts';
import type { Provider, ResourceContext } from './provider.ts';
import { defineResourceType, inert } from './resource-type.ts';

/** Keys that stacks have made. No bytes are encrypted in the local AWS; who might is what matters. */
export interface KmsKeys {
  /** Undefined for a key that no stack has made. */
  policy(keyArn: string): PolicyDocument | undefined;
}

const keyProperties = z.strictObject({
  KeyPolicy: z
    .custom<PolicyDocument>((value) => typeof value === 'object' && value !== null && 'Statement' in value)
    .optional(),
  BypassPolicyLockoutSafetyCheck: inert,
  Description: inert,
  Enabled: inert,
  EnableKeyRotation: inert,
  KeySpec: inert,
  KeyUsage: inert,
  MultiRegion: inert,
  Origin: inert,
  PendingWindowInDays: inert,
  RotationPeriodInDays: inert,
  Tags: inert,
});

/** AWS::KMS::Key, and the book of key policies that S3 asks. */
export const createKmsKeys = (): KmsKeys & { provider: Provider } => {
  const policies = new Map<string, PolicyDocument>();
  const put = (
    context: ResourceContext,
    keyId: string,
    policy: PolicyDocument | undefined,
  ): CreatedResource => {
    const arn = keyArn(context, keyId);
    policies.set(arn, policy ?? defaultPolicy(context));
    return { physicalId: keyId, attributes: { KeyId: keyId, Arn: arn } };
  };
  return {
    policy: (arn) => policies.get(arn),
    provider: defineResourceType({
      properties: keyProperties,
      replacedBy: ['KeySpec', 'KeyUsage', 'Origin', 'MultiRegion'],
      create: (context, properties) => put(context, randomUUID(), properties.KeyPolicy),
      update: (context, keyId, properties) => put(context, keyId, properties.KeyPolicy),
      delete: (context, keyId) => {
        policies.delete(keyArn(context, keyId));
      },
    }),
  };
};

const keyArn = ({ region, accountId }: ResourceContext, keyId: string): string =>
  `arn:aws:kms:${region}:${accountId}:key/${keyId}`;

/** Leaves the key to the account's IAM policies. */
const defaultPolicy = ({ accountId }: ResourceContext): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' },
  ],
});
