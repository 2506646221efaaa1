/**
 * The keys of the local KMS. The local AWS encrypts nothing, so a key has only a policy, grants and a state.
 *
 * Sources: AWS Key Management Service Developer Guide "Key states of AWS KMS keys" (key-state.html) and "Grants in AWS KMS" (grants.html).
 */
import { randomBytes } from 'node:crypto';
import type { PolicyDocument } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { type Faults, NO_FAULTS } from '../core/fault.ts';
import { createPropagating } from '../core/propagation.ts';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion';

/** Allows a principal some operations with a key, in addition to the key's policy. A grant does not override a Deny statement. */
export interface KeyGrant {
  /** The ARN of a role, or of an account's root user. */
  granteePrincipal: string;
  /** The operations that the grant allows. */
  operations: ('Decrypt' | 'Encrypt' | 'GenerateDataKey')[];
  /** Pairs that the encryption context of a request must contain. */
  encryptionContextSubset?: Record<string, string>;
}

/** Looks up the properties of keys, for S3, SQS and other services that use the keys. */
export interface KeyDirectory {
  /** Returns one document with the key's policy and grants. A recent change may not have taken effect yet. */
  policy(keyArn: string): PolicyDocument;
  /** Returns the state of a key; null if it does not exist. */
  state(keyArn: string): KeyState | null;
}

export interface KmsKeys extends KeyDirectory {
  /** Creates a key or replaces its policy. Without a policy, the IAM policies of the account control access to the key. */
  put(keyArn: string, policy?: PolicyDocument): void;
  setState(keyArn: string, state: KeyState): void;
  /** Adds a grant and returns its id. */
  createGrant(keyArn: string, grant: KeyGrant): string;
  revokeGrant(keyArn: string, grantId: string): void;
}

interface Key {
  policy: PolicyDocument;
  state: KeyState;
  grants: Map<string, KeyGrant>;
}

/** `keep` returns a policy as AWS stores it. It throws an error for a policy that AWS rejects. */
export const createKmsKeys = ({
  clock,
  faults = NO_FAULTS,
  keep = (policy) => policy,
}: {
  clock: Clock;
  faults?: Readonly<Faults>;
  keep?: (policy: PolicyDocument) => PolicyDocument;
}): KmsKeys => {
  const keys = new Map<string, Key>();
  const keyOf = (arn: string): Key => {
    const key = keys.get(arn) ?? { policy: defaultPolicy(arn), state: 'Enabled', grants: new Map() };
    keys.set(arn, key);
    return key;
  };
  const propagating = createPropagating<PolicyDocument>(clock, () => faults.propagation?.policyMs);
  const policyOf = (arn: string): PolicyDocument => {
    const { policy, grants } = keys.get(arn) ?? { policy: defaultPolicy(arn), grants: new Map() };
    if (grants.size === 0) return policy;
    const granted = [...grants.values()].map((grant) => statementOf(grant));
    return { ...policy, Statement: [policy.Statement, granted].flat() };
  };
  return {
    put: (arn, policy) => {
      const next = policy === undefined ? defaultPolicy(arn) : keep(policy);
      propagating.changing(arn, policyOf(arn));
      keyOf(arn).policy = next;
    },
    policy: (arn) => propagating.known(arn, policyOf(arn)),
    state: (arn) => keys.get(arn)?.state ?? (isKeyName(arn) ? 'Enabled' : null),
    setState: (arn, state) => {
      keyOf(arn).state = state;
    },
    createGrant: (arn, grant) => {
      const id = randomBytes(32).toString('hex');
      propagating.changing(arn, policyOf(arn));
      keyOf(arn).grants.set(id, grant);
      return id;
    },
    revokeGrant: (arn, grantId) => {
      keyOf(arn).grants.delete(grantId);
    },
  };
};

/**
 * True for the ARN of an alias or a well-formed key id. Keys with such ARNs exist without being created, so that tests need not create
 * keys.
 */
const isKeyName = (arn: string): boolean => /:(alias\/.+|key\/(mrk-)?[0-9a-f-]+)$/.test(arn);

/** The default policy of a key. It lets the IAM policies of the account control access to the key. */
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
