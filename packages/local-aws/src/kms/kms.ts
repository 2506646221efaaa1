/**
 * Keys of KMS: no bytes are encrypted in the local AWS; who might, and whether the key would, is what matters.
 *
 * Sources: AWS Key Management Service Developer Guide "Key states of AWS KMS keys" (key-state.html) and "Grants in AWS KMS"
 * (grants.html).
 */
import { randomBytes } from 'node:crypto';
import type { PolicyDocument } from '../core/access.ts';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion';

/** Lets a principal use a key in some ways, whatever the key's policy says of it; no denial gives way to it. */
export interface KeyGrant {
  /** ARN of a role or an account's root. */
  granteePrincipal: string;
  /** As KMS names them, without a prefix. */
  operations: ('Decrypt' | 'Encrypt' | 'GenerateDataKey')[];
  /** The request's encryption context must have these pairs. */
  encryptionContextSubset?: Record<string, string>;
}

/** What S3 asks about a key. */
export interface KeyDirectory {
  /** The key's policy and its grants, as one document. */
  policy(keyArn: string): PolicyDocument;
  /** Null for a key that is not there. */
  state(keyArn: string): KeyState | null;
}

export interface KmsKeys extends KeyDirectory {
  /** Makes a key, or gives one another policy. Without one the key is left to the IAM policies of its account. */
  put(keyArn: string, policy?: PolicyDocument): void;
  setState(keyArn: string, state: KeyState): void;
  /** Answers the id of the grant. */
  createGrant(keyArn: string, grant: KeyGrant): string;
  revokeGrant(keyArn: string, grantId: string): void;
}

interface Key {
  policy: PolicyDocument;
  state: KeyState;
  grants: Map<string, KeyGrant>;
}

export const createKmsKeys = (): KmsKeys => {
  const keys = new Map<string, Key>();
  const keyOf = (arn: string): Key => {
    const key = keys.get(arn) ?? { policy: defaultPolicy(arn), state: 'Enabled', grants: new Map() };
    keys.set(arn, key);
    return key;
  };
  return {
    put: (arn, policy) => {
      keyOf(arn).policy = policy ?? defaultPolicy(arn);
    },
    policy: (arn) => {
      const { policy, grants } = keys.get(arn) ?? { policy: defaultPolicy(arn), grants: new Map() };
      if (grants.size === 0) return policy;
      const granted = [...grants.values()].map((grant) => statementOf(grant));
      return { ...policy, Statement: [policy.Statement, granted].flat() };
    },
    state: (arn) => keys.get(arn)?.state ?? (isKeyName(arn) ? 'Enabled' : null),
    setState: (arn, state) => {
      keyOf(arn).state = state;
    },
    createGrant: (arn, grant) => {
      const id = randomBytes(32).toString('hex');
      keyOf(arn).grants.set(id, grant);
      return id;
    },
    revokeGrant: (arn, grantId) => {
      keyOf(arn).grants.delete(grantId);
    },
  };
};

/** Keys exist as soon as they are named, as accounts do, so that a test need not make them; what cannot be a key's id is none. */
const isKeyName = (arn: string): boolean => /:(alias\/.+|key\/(mrk-)?[0-9a-f-]+)$/.test(arn);

/** Leaves the key to the account's IAM policies. */
const defaultPolicy = (keyArn: string): PolicyDocument => {
  const [, partition = 'aws', , , accountId = ''] = keyArn.split(':');
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  };
};

const statementOf = ({ granteePrincipal, operations, encryptionContextSubset = {} }: KeyGrant) => {
  const pairs = Object.entries(encryptionContextSubset);
  const wanted = Object.fromEntries(pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, value]));
  return {
    Effect: 'Allow' as const,
    Principal: { AWS: granteePrincipal },
    Action: operations.map((operation) => `kms:${operation}`),
    Resource: '*',
    ...(pairs.length === 0 ? {} : { Condition: { StringEquals: wanted } }),
  };
};
