/** The resource type AWS::KMS::Key. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PolicyDocument } from '../core/access.ts';
import type { KmsKeys } from '../kms/kms.ts';
import type { CreatedResource } from '../core/resource-provider.ts';
import type { Provider, ResourceContext } from './provider.ts';
import { defineResourceType, inert } from './resource-type.ts';

const keyProperties = z.strictObject({
  KeyPolicy: z
    .custom<PolicyDocument>((value) => typeof value === 'object' && value !== null && 'Statement' in value)
    .optional(),
  Enabled: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
  BypassPolicyLockoutSafetyCheck: inert,
  Description: inert,
  EnableKeyRotation: inert,
  KeySpec: inert,
  KeyUsage: inert,
  MultiRegion: inert,
  Origin: inert,
  PendingWindowInDays: inert,
  RotationPeriodInDays: inert,
  Tags: inert,
});

export const kmsKeyProvider = (keys: KmsKeys): Provider => {
  const put = (
    context: ResourceContext,
    keyId: string,
    { KeyPolicy, Enabled = true }: z.infer<typeof keyProperties>,
  ): CreatedResource => {
    const arn = keyArn(context, keyId);
    keys.put(arn, KeyPolicy);
    keys.setState(arn, String(Enabled) === 'true' ? 'Enabled' : 'Disabled');
    return { physicalId: keyId, attributes: { KeyId: keyId, Arn: arn } };
  };
  return defineResourceType({
    properties: keyProperties,
    replacedBy: ['KeySpec', 'KeyUsage', 'Origin', 'MultiRegion'],
    create: (context, properties) => put(context, randomUUID(), properties),
    update: (context, keyId, properties) => put(context, keyId, properties),
    // KMS deletes a key only after a waiting period, during which the deletion can be cancelled. Objects that the key encrypts are
    // unreadable from now on.
    delete: (context, keyId) => keys.setState(keyArn(context, keyId), 'PendingDeletion'),
  });
};

const keyArn = ({ region, accountId }: ResourceContext, keyId: string): string =>
  `arn:aws:kms:${region}:${accountId}:key/${keyId}`;
