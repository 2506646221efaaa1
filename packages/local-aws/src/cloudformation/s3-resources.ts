import { z } from 'zod';
import type { PolicyDocument } from '../core/access.ts';
import type { BucketProperties } from '../s3/buckets/bucket-properties.ts';
import type { S3Service } from '../s3/service.ts';
import type { Provider, ResourceContext } from './provider.ts';
import type { CreatedResource } from '../core/resource-provider.ts';
import { defineResourceType } from './resource-type.ts';

/** Returns the schema of a property that is passed on without a check, because the local S3 checks its value. */
const kept = <Name extends keyof BucketProperties>(_name: Name) =>
  z.custom<BucketProperties[Name]>().optional();

const bucketProperties = z.strictObject({
  BucketName: z.string().optional(),
  VersioningConfiguration: kept('VersioningConfiguration'),
  OwnershipControls: kept('OwnershipControls'),
  PublicAccessBlockConfiguration: kept('PublicAccessBlockConfiguration'),
  BucketEncryption: kept('BucketEncryption'),
  LifecycleConfiguration: kept('LifecycleConfiguration'),
  NotificationConfiguration: kept('NotificationConfiguration'),
  ObjectLockConfiguration: kept('ObjectLockConfiguration'),
  ObjectLockEnabled: kept('ObjectLockEnabled'),
  Tags: kept('Tags'),
});

/** The types AWS::S3::Bucket and AWS::S3::BucketPolicy. */
export const s3Providers = (s3: S3Service): Record<string, Provider> => ({
  'AWS::S3::Bucket': defineResourceType({
    properties: bucketProperties,
    replacedBy: ['BucketName', 'ObjectLockEnabled'],
    create: (context, { BucketName: given, ...properties }) => {
      const name = given ?? generatedBucketName(context);
      s3.createBucket({ name, accountId: context.accountId, region: context.region, ...properties });
      return createdBucket(context, name);
    },
    update: (context, name, { BucketName: _name, ...properties }, { BucketName: _old, ...previous }) => {
      s3.updateBucket(name, properties, previous);
      return createdBucket(context, name);
    },
    delete: (_context, name) => {
      if (s3.hasBucket(name)) s3.deleteBucket(name);
    },
  }),
  'AWS::S3::BucketPolicy': defineResourceType({
    properties: z.strictObject({
      Bucket: z.string(),
      PolicyDocument: z.custom<PolicyDocument>((value) => typeof value === 'object' && value !== null),
    }),
    replacedBy: ['Bucket'],
    create: (context, properties) => {
      s3.setBucketPolicy(ownBucket(s3, context, properties.Bucket), properties.PolicyDocument);
      return { physicalId: properties.Bucket, attributes: {} };
    },
    update: (_context, name, properties) => {
      s3.setBucketPolicy(name, properties.PolicyDocument);
      return { physicalId: name, attributes: {} };
    },
    delete: (_context, name) => {
      if (s3.hasBucket(name)) s3.setBucketPolicy(name, null);
    },
  }),
});

/** Returns the generated name in lower case, shortened to the maximum length of a bucket name, 63 characters. */
const generatedBucketName = ({ generatedName }: ResourceContext): string => {
  const suffix = generatedName.slice(generatedName.lastIndexOf('-'));
  return (generatedName.slice(0, -suffix.length).slice(0, 63 - suffix.length) + suffix).toLowerCase();
};

/** Returns the name of a bucket. Throws an error unless the bucket exists and belongs to the stack's account. */
const ownBucket = (s3: S3Service, { accountId }: ResourceContext, name: string): string => {
  const bucket = s3.describeBucket(name);
  if (!bucket) throw new Error(`The specified bucket does not exist (NoSuchBucket): ${name}`);
  if (bucket.accountId !== accountId) throw new Error(`Access Denied (AccessDenied): ${name}`);
  return name;
};

const createdBucket = ({ region }: ResourceContext, name: string): CreatedResource => ({
  physicalId: name,
  attributes: {
    Arn: `arn:aws:s3:::${name}`,
    DomainName: `${name}.s3.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
  },
});
