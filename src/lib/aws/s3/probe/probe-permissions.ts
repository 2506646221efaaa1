/**
 * One call for each permission that replication needs at a destination. Each call names something that does not exist, so no call
 * changes anything.
 */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectAclCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ProbeStep } from '../../../model/probe-step.ts';
import type { Destination, ReplicationRule } from '../../../model/rule.ts';
import { answerOf } from './probe-answer.ts';

interface Place {
  client: S3Client;
  rule: ReplicationRule;
  destination: Destination;
  /** A key under the prefix of the rule that no object has. */
  key: string;
  hasObjectLock: boolean;
  now: number;
}

interface Step {
  permission: string;
  ask(): Promise<ProbeStep>;
}

export const probePermissions = async (place: Place): Promise<ProbeStep[]> =>
  Promise.all(stepsOf(place).map(({ ask }) => ask()));

/** Makes only the calls that a comparison needs. */
export const probeReading = async (place: Place): Promise<ProbeStep[]> =>
  Promise.all(stepsOf(place).flatMap(({ permission, ask }) => (READING.has(permission) ? [ask()] : [])));

/** The permissions of the role that compares. */
const READING: ReadonlySet<string> = new Set([
  's3:ListBucket',
  's3:ListBucketVersions',
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:GetObjectRetention',
  's3:GetObjectLegalHold',
  's3:GetObjectAcl',
  's3:GetObjectVersionAcl',
]);

const stepsOf = (place: Place): Step[] => {
  const { rule, destination, hasObjectLock } = place;
  return [
    ...listingSteps(place),
    ...objectSteps(place),
    ...(rule.deletes === 'replicate' ? [deleteStep(place)] : []),
    ...(destination.objectLock === 'ignore' || !hasObjectLock ? [] : lockSteps(place)),
    ...(rule.acl === 'replicate' ? aclSteps(place) : []),
  ];
};

/** S3 uses this id for the version of an object that was written without versioning. */
const NULL_VERSION = 'null';

/** The error codes of S3 for things that do not exist, and for settings that a bucket does not have. */
const NOT_THERE = [
  'NoSuchUpload',
  'InvalidArgument',
  'InvalidRequest',
  'PreconditionFailed',
  'MethodNotAllowed',
  'AccessControlListNotSupported',
];

const listingSteps = ({ client, destination, key }: Place): Step[] => {
  const Bucket = destination.bucket;
  const one = (permission: string, send: () => Promise<unknown>): Step => ({
    permission,
    ask: () => answerOf(permission, send),
  });
  return [
    one('s3:ListBucket', () => client.send(new ListObjectsV2Command({ Bucket, Prefix: key, MaxKeys: 1 }))),
    one('s3:ListBucketVersions', () =>
      client.send(new ListObjectVersionsCommand({ Bucket, Prefix: key, MaxKeys: 1 })),
    ),
    one('s3:ListBucketMultipartUploads', () =>
      client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: key, MaxUploads: 1 })),
    ),
    one('s3:ListAllMyBuckets', () => client.send(new ListBucketsCommand({ Prefix: Bucket, MaxBuckets: 1 }))),
  ];
};

const objectSteps = ({ client, destination, key }: Place): Step[] => {
  const named = { Bucket: destination.bucket, Key: key };
  const upload = { ...named, UploadId: 'no-such-upload' };
  const Tagging = { TagSet: [] };
  const one = (
    permission: string,
    send: (version: { VersionId?: string }) => Promise<unknown>,
    isVersioned = false,
  ): Step => ({
    permission,
    ask: () => answerOf(permission, () => send(isVersioned ? { VersionId: NULL_VERSION } : {}), NOT_THERE),
  });
  const both = (action: string, versionAction: string, send: Parameters<typeof one>[1]): Step[] => [
    one(`s3:${action}`, send),
    one(`s3:${versionAction}`, send, true),
  ];
  return [
    ...both('GetObject', 'GetObjectVersion', (version) =>
      client.send(new GetObjectCommand({ ...named, ...version, Range: 'bytes=0-0' })),
    ),
    ...both('GetObjectTagging', 'GetObjectVersionTagging', (version) =>
      client.send(new GetObjectTaggingCommand({ ...named, ...version })),
    ),
    ...both('PutObjectTagging', 'PutObjectVersionTagging', (version) =>
      client.send(new PutObjectTaggingCommand({ ...named, ...version, Tagging })),
    ),
    one('s3:AbortMultipartUpload', () => client.send(new AbortMultipartUploadCommand(upload))),
    one('s3:ListMultipartUploadParts', () => client.send(new ListPartsCommand(upload))),
  ];
};

/** Tries to delete. Nothing is deleted and no delete marker is written, because the condition cannot be met. */
const deleteStep = ({ client, destination, key }: Place): Step => ({
  permission: 's3:DeleteObject',
  ask: () =>
    answerOf(
      's3:DeleteObject',
      () => client.send(new DeleteObjectCommand({ Bucket: destination.bucket, Key: key, IfMatch: '"0"' })),
      NOT_THERE,
    ),
});

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

/** Returns a request for a retention that ends shortly before the given number of days is over. */
const retention = ({ destination, key, now }: Place, days: number): PutObjectRetentionCommand =>
  new PutObjectRetentionCommand({
    Bucket: destination.bucket,
    Key: key,
    Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date(now + days * DAY_MS - MINUTE_MS) },
  });

const lockSteps = (place: Place): Step[] => {
  const { client, destination, key } = place;
  const { maxRetentionDays } = destination;
  const named = { Bucket: destination.bucket, Key: key };
  const one = (permission: string, send: () => Promise<unknown>): Step => ({
    permission,
    ask: () => answerOf(permission, send, NOT_THERE),
  });
  return [
    one('s3:GetObjectRetention', () => client.send(new GetObjectRetentionCommand(named))),
    one('s3:GetObjectLegalHold', () => client.send(new GetObjectLegalHoldCommand(named))),
    one('s3:PutObjectRetention', () => client.send(retention(place, 1))),
    // The stack of the destination denies longer retentions than its own maximum.
    one(`s3:PutObjectRetention for ${maxRetentionDays} days`, () =>
      client.send(retention(place, maxRetentionDays)),
    ),
    one('s3:PutObjectLegalHold', () =>
      client.send(new PutObjectLegalHoldCommand({ ...named, LegalHold: { Status: 'ON' } })),
    ),
  ];
};

/** The longest retention that S3 accepts. */
const CENTURY_DAYS = 36_500;

/**
 * Tries two actions that the role must not be allowed: a lock for a century, and the removal of a legal hold. Key and version do
 * not exist.
 */
export const probeGuards = async (place: Place): Promise<ProbeStep[]> => {
  const { client, destination, key, hasObjectLock } = place;
  if (!hasObjectLock || destination.objectLock === 'ignore') return [];
  const named = { Bucket: destination.bucket, Key: key };
  return Promise.all([
    ...(destination.maxRetentionDays >= CENTURY_DAYS - 1
      ? []
      : [
          answerOf(
            's3:PutObjectRetention for a century',
            () => client.send(retention(place, CENTURY_DAYS - 1)),
            NOT_THERE,
          ),
        ]),
    answerOf(
      's3:PutObjectLegalHold OFF',
      () => client.send(new PutObjectLegalHoldCommand({ ...named, LegalHold: { Status: 'OFF' } })),
      NOT_THERE,
    ),
  ]);
};

const aclSteps = ({ client, destination, key }: Place): Step[] => {
  const named = { Bucket: destination.bucket, Key: key };
  const one = (
    permission: string,
    version: { VersionId?: string },
    send: (name: typeof named) => Promise<unknown>,
  ): Step => ({
    permission,
    ask: () => answerOf(permission, () => send({ ...named, ...version }), NOT_THERE),
  });
  const version = { VersionId: NULL_VERSION };
  const read = (name: typeof named) => client.send(new GetObjectAclCommand(name));
  const write = (name: typeof named) => client.send(new PutObjectAclCommand({ ...name, ACL: 'private' }));
  return [
    one('s3:GetObjectAcl', {}, read),
    one('s3:GetObjectVersionAcl', version, read),
    one('s3:PutObjectAcl', {}, write),
    one('s3:PutObjectVersionAcl', version, write),
  ];
};
