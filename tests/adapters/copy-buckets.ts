/**
 * Buckets for copies inside S3. The destination's role may read all source buckets except `source-closed`.
 */
import {
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { CopySource, ObjectState, Precondition, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import type { RoleDestination } from '../../src/lib/model/rule.ts';
import { REPLICA_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { type LocalBuckets, startLocalBuckets } from './local-buckets.ts';

/** The local S3. {@link startCopyBuckets} sets this variable. */
export let local: LocalBuckets;

export const startCopyBuckets = async (): Promise<void> => {
  local = await startLocalBuckets();
  local.createSource('source');
  local.createSource('source-plain', { VersioningConfiguration: undefined });
  local.createSource('source-closed');
  for (const bucket of ['source', 'source-plain']) await openTo(testDestination().roleArn, bucket);
  local.createDestination('replica');
  local.createDestination('replica-locked', { ObjectLockEnabled: true });
};

export const stopCopyBuckets = async (): Promise<void> => {
  await local[Symbol.asyncDispose]();
};

/**
 * Returns the bucket policy with which the owner of a source bucket lets a role of the other account read it.
 */
const openTo = async (roleArn: string, bucket: string): Promise<void> => {
  const reading = {
    Effect: 'Allow',
    Principal: { AWS: roleArn },
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: `arn:aws:s3:::${bucket}/*`,
  };
  const listing = { ...reading, Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [reading, listing] });
  await local.sourceOwner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
};

export const sourceOf = (bucket: string) =>
  local.buckets.source(testRule({ source: { ...testRule().source, bucket } }));
export const destination = (fields: Partial<RoleDestination> = {}) =>
  local.buckets.destination(testDestination(fields));

export const putSource = async (
  key: string,
  fields: Partial<PutObjectCommandInput> = {},
): Promise<CopySource & { pin: ObjectState }> => {
  const bucket = fields.Bucket ?? 'source';
  await local.sourceOwner.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'content', ...fields }),
  );
  const current = await sourceOf(bucket).look(key);
  if (current.kind !== 'object') throw new Error('nothing there');
  return { bucket, account: null, key, pin: current.state };
};

export const copy = (
  from: CopySource,
  fields: { key?: string; attributes?: Partial<ReplicaAttributes>; precondition?: Precondition } = {},
  to: Partial<RoleDestination> = {},
) =>
  destination(to).copyObject({
    from,
    key: fields.key ?? from.key,
    attributes: { ...REPLICA_ATTRIBUTES, ...fields.attributes },
    precondition: fields.precondition ?? { kind: 'absent' },
    unchecked: 'refuse',
  });

export const contentOf = async (key: string, bucket = 'replica'): Promise<string> => {
  const { Body } = await local.destinationOwner.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToString()) ?? '';
};

export const replicaOf = async (key: string, bucket = 'replica'): Promise<ObjectState> => {
  const current = await destination({ bucket }).look(key);
  if (current.kind !== 'object') throw new Error('no replica');
  return current.state;
};

export const newUpload = async (key: string) =>
  (await destination().createUpload({ key, attributes: REPLICA_ATTRIBUTES, checksum: null })).uploadId;
