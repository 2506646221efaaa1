/** The shape of one destination of a rule in `replication.yml`. */
import * as z from 'zod';
import {
  ACCOUNT,
  DURABLE_STORAGE_CLASSES,
  EXTERNAL_ID,
  KMS_KEY_ARN,
  REGION,
  ROLE_ARN,
  SERVICE_REGION,
  STORAGE_CLASSES,
} from './aws-syntax.ts';
import { bucket, id, integer, keyPart, oneOf, optionBlock, pattern } from './fields.ts';
import { SERVICE_OPTIONS } from './service-schema.ts';

export type DestinationShape = z.output<typeof destinationFields>;

/** destination/template.yml refuses longer retentions. Its parameter `MaxRetentionDays` has the same default. */
export const DEFAULT_MAX_RETENTION_DAYS = 3_650;

const REGION_ADVICE = 'give the region the destination bucket is in, like eu-central-1';

const ROLE_ADVICE =
  'give the ARN of the replication role in the destination account, like arn:aws:iam::222222222222:role/s3-replicator: it is the output RoleArn of destination/template.yml';

const EXTERNAL_ID_ADVICE =
  'give the external id the replication role asks for: 2–1,224 characters of letters, digits and _+=,.@:/-, in quotes if it looks like a number';

const destinationFields = optionBlock(
  'write each destination as a block with `bucket:`, `region:`, `roleArn:` and `externalId:`',
  {
    id: id('give an id of 1–64 letters, digits, dots, hyphens and underscores').optional(),
    bucket: bucket(
      'give the name of a general purpose bucket (no ARN, no s3://): 3–63 characters of a–z, 0–9, dot and hyphen',
    ),
    region: pattern(REGION_ADVICE, SERVICE_REGION),
    roleArn: pattern(ROLE_ADVICE, ROLE_ARN).optional(),
    externalId: pattern(EXTERNAL_ID_ADVICE, EXTERNAL_ID).optional(),
    ...SERVICE_OPTIONS,
    conditionalWrites: oneOf(
      'write `required` (the service must check the conditions of writes, or nothing is replicated) or `none` (it checks none, so each write is preceded and followed by a look)',
      ['required', 'none'],
    ).default('required'),
    account: pattern(
      'give the id of the account that owns the bucket, 12 digits in quotes, or remove the line: the bucket then belongs to the account of the role',
      ACCOUNT,
    ).optional(),
    prefix: keyPart(
      'give what takes the place of the source prefix in the replica\'s key, at most 1,024 bytes and without ${ ("" removes it), or remove the line: keys then stay as they are',
    ).optional(),
    storageClass: oneOf(
      `write one of ${STORAGE_CLASSES.join(', ')}, or remove the line: replicas then keep the class of the source object`,
      STORAGE_CLASSES,
    ).optional(),
    minimumStorageClass: oneOf(
      'write the class of replicas whose source object has a less durable one (REDUCED_REDUNDANCY, or one zone), or remove the line: replicas then keep the class of the source object',
      DURABLE_STORAGE_CLASSES,
    ).optional(),
    encryption: oneOf(
      "write `AES256` (SSE-S3), `aws:kms` (SSE-KMS) or `aws:kms:dsse` (DSSE-KMS), or remove the line: `kmsKeyArn` alone then means aws:kms, and without it the bucket's default encryption applies",
      ['AES256', 'aws:kms', 'aws:kms:dsse'],
    ).optional(),
    kmsKeyArn: pattern(
      'give the ARN of the KMS key replicas are encrypted with (the key, not an alias), or remove the line',
      KMS_KEY_ARN,
    ).optional(),
    objectLock: oneOf(
      'write `replicate` (replicas get the retention and legal hold of the source version), `governance` (the same, with compliance mode weakened to governance mode) or `ignore`',
      ['replicate', 'governance', 'ignore'],
    ).default('replicate'),
    maxRetentionDays: integer(
      'give the longest retention that a replica gets, in days from the time at which it is set, at most 36,500, and at most `MaxRetentionDays` of the stack of destination/template.yml',
      1,
      36_500,
    ).default(DEFAULT_MAX_RETENTION_DAYS),
    overMaxRetention: oneOf(
      'write `cap` (a version with a longer retention is replicated with the longest one that is allowed) or `refuse` (it is quarantined as `lock-too-long`)',
      ['cap', 'refuse'],
    ).default('cap'),
  },
);

type DestinationFields = z.output<typeof destinationFields>;

/** Returns the options of a check that reports this field. The check runs even if other fields are wrong. */
const needs = (
  name: 'externalId' | 'region' | 'roleArn',
  error: string,
): { error: string; path: string[]; when: () => boolean } => ({ error, path: [name], when: () => true });

export const destinationBlock = destinationFields
  .refine(
    ({ region, endpoint }: DestinationFields) =>
      endpoint !== undefined || typeof region !== 'string' || REGION.test(region),
    needs('region', REGION_ADVICE),
  )
  .refine(
    ({ roleArn, secretArn }: DestinationFields) => (roleArn ?? secretArn) !== undefined,
    needs('roleArn', ROLE_ADVICE),
  )
  .refine(
    ({ externalId, secretArn }: DestinationFields) => (externalId ?? secretArn) !== undefined,
    needs('externalId', EXTERNAL_ID_ADVICE),
  );

export const DESTINATION_OPTIONS = Object.keys(destinationFields.shape);
