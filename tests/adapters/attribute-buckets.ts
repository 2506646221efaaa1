/** Local buckets with and without versioning, ACLs and Object Lock, and functions that write to them. */
import type { Readable } from 'node:stream';
import type { DestinationBucket, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import type { RoleDestination } from '../../src/lib/model/rule.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

/** The local S3. {@link startAttributeBuckets} sets this variable. */
export let local: LocalBuckets;

export const startAttributeBuckets = async (): Promise<void> => {
  local = await startLocalBuckets();
  const writersOwn = { OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] } };
  local.createSource('source', writersOwn);
  local.createDestination('replica');
  local.createDestination('replica-acl', writersOwn);
  local.createDestination('replica-locked', { ObjectLockEnabled: true });
  local.createDestination('replica-retained', {
    ObjectLockEnabled: true,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
    },
  });
  local.createDestination('replica-plain', { VersioningConfiguration: undefined });
};

export const stopAttributeBuckets = async (): Promise<void> => {
  await local[Symbol.asyncDispose]();
};

export const source = () => local.buckets.source(testRule());
export const destination = (bucket = 'replica', fields: Partial<RoleDestination> = {}): DestinationBucket =>
  local.buckets.destination(testDestination({ bucket, ...fields }));

export const put = (
  to: DestinationBucket,
  key: string,
  attributes: Partial<ReplicaAttributes> = {},
  body: Buffer | Readable = Buffer.from('a'),
) =>
  to.put({
    key,
    body,
    sizeBytes: 1,
    attributes: { ...REPLICA_ATTRIBUTES, ...attributes },
    precondition: { kind: 'absent' },
    // The MD5 of `a`.
    guard: { kind: 'md5', md5: 'DMF1ucDxtqgxw5niaXcmYQ==' },
  });
