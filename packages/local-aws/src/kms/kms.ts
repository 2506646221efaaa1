/**
 * Keys of KMS. The local AWS encrypts nothing; only the permissions and states of keys matter.
 *
 * Sources: AWS Key Management Service Developer Guide "Key states of AWS KMS keys" (key-state.html) and "Grants in AWS KMS"
 * (grants.html).
 */
import { randomBytes } from 'node:crypto';
import type { PolicyDocument } from '../core/access.ts';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion';

/** Allows a principal some operations with a key, in addition to the key's policy. A grant does not override a denial. */
export interface KeyGrant {
  /** ARN of a role or an account's root. */
  granteePrincipal: string;
  /** KMS's names, without a prefix. */
  operations: ('Decrypt' | 'Encrypt' | 'GenerateDataKey')[];
  /** The request's encryption context must have these pairs. */
  encryptionContextSubset?: Record<string, string>;
}

/** The facts about keys that S3 needs. */
export interface KeyDirectory {
  /** The key's policy and its grants, as one document. */
  policy(keyArn: string): PolicyDocument;
  /** Null for a key that does not exist. */
  state(keyArn: string): KeyState | null;
}

export interface KmsKeys extends KeyDirectory {
  /** Makes a key or replaces the policy of a key. Without a policy, the IAM policies of the account control the key. */
  put(keyArn: string, policy?: PolicyDocument): void;
  setState(keyArn: string, state: KeyState): void;
  /** Returns the id of the grant. */
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

/** Like accounts, keys exist as soon as they are named, so that a test need not make them. Only well-formed key ids count as keys. */
const isKeyName = (arn: string): boolean => /:(alias\/.+|key\/(mrk-)?[0-9a-f-]+)$/.test(arn);

/** A policy that lets the account's IAM policies control the key. */
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
