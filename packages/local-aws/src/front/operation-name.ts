/**
 * Determines the service and operation of a request. The names are those of the API reference, which fault plans and counters use. Names of
 * IAM actions can differ: HeadObject requires the action s3:GetObject.
 */
import type { AwsRequest } from '../core/request.ts';

type Request = Pick<AwsRequest, 'service' | 'method' | 'path' | 'query' | 'headers'>;

/** Returns the name of the operation. `body` is needed only for services with the query protocol, whose bodies name the operation. */
export function operationName(request: Request, body?: Buffer): string {
  return `${request.service}:${request.service === 's3' ? s3Operation(request) : otherOperation(request, body)}`;
}

/** Returns the decoded bucket and key of a path-style S3 request. Each is '' if the path has none. */
export function s3Place(path: string): { bucket: string; key: string } {
  const [, bucket = '', ...rest] = path.split('/');
  return { bucket: decoded(bucket), key: decoded(rest.join('/')) };
}

function otherOperation({ method, query, headers }: Request, body: Buffer | undefined): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.slice(target.lastIndexOf('.') + 1);
  const parameters = body !== undefined && body.length > 0 ? body.toString('latin1') : query;
  return new URLSearchParams(parameters).get('Action') ?? method;
}

function s3Operation({ method, path, query, headers }: Request): string {
  const names = [...new URLSearchParams(query).keys()];
  const { bucket, key } = s3Place(path);
  if (bucket === '') return 'ListBuckets';
  if (key === '') return bucketOperation(method, names, query);
  if (method === 'PUT' && headers['x-amz-copy-source'] !== undefined) {
    return names.includes('uploadId') ? 'UploadPartCopy' : 'CopyObject';
  }
  return chosen(objectOperations, method, names);
}

function bucketOperation(method: string, names: string[], query: string): string {
  if (method === 'GET' && names.includes('list-type'))
    return query.includes('list-type=2') ? 'ListObjectsV2' : 'ListObjects';
  return chosen(bucketOperations, method, names);
}

/**
 * Returns the operation for the first known sub-resource in `names`. Without such a sub-resource, returns the operation without one, or
 * else the method.
 */
function chosen(operations: Record<string, Record<string, string>>, method: string, names: string[]): string {
  const ofMethod = operations[method] ?? {};
  const subresource = names.find((name) => name !== '' && ofMethod[name] !== undefined) ?? '';
  return ofMethod[subresource] ?? method;
}

const objectOperations: Record<string, Record<string, string>> = {
  GET: {
    '': 'GetObject',
    acl: 'GetObjectAcl',
    attributes: 'GetObjectAttributes',
    'legal-hold': 'GetObjectLegalHold',
    retention: 'GetObjectRetention',
    tagging: 'GetObjectTagging',
    uploadId: 'ListParts',
  },
  HEAD: { '': 'HeadObject' },
  PUT: {
    '': 'PutObject',
    acl: 'PutObjectAcl',
    'legal-hold': 'PutObjectLegalHold',
    retention: 'PutObjectRetention',
    tagging: 'PutObjectTagging',
    uploadId: 'UploadPart',
  },
  POST: {
    restore: 'RestoreObject',
    select: 'SelectObjectContent',
    uploads: 'CreateMultipartUpload',
    uploadId: 'CompleteMultipartUpload',
  },
  DELETE: { '': 'DeleteObject', tagging: 'DeleteObjectTagging', uploadId: 'AbortMultipartUpload' },
};

const bucketOperations: Record<string, Record<string, string>> = {
  GET: {
    '': 'ListObjects',
    acl: 'GetBucketAcl',
    encryption: 'GetBucketEncryption',
    lifecycle: 'GetBucketLifecycleConfiguration',
    location: 'GetBucketLocation',
    notification: 'GetBucketNotificationConfiguration',
    'object-lock': 'GetObjectLockConfiguration',
    ownershipControls: 'GetBucketOwnershipControls',
    policy: 'GetBucketPolicy',
    policyStatus: 'GetBucketPolicyStatus',
    publicAccessBlock: 'GetPublicAccessBlock',
    replication: 'GetBucketReplication',
    requestPayment: 'GetBucketRequestPayment',
    tagging: 'GetBucketTagging',
    uploads: 'ListMultipartUploads',
    versioning: 'GetBucketVersioning',
    versions: 'ListObjectVersions',
    website: 'GetBucketWebsite',
  },
  HEAD: { '': 'HeadBucket' },
  PUT: {
    '': 'CreateBucket',
    acl: 'PutBucketAcl',
    encryption: 'PutBucketEncryption',
    lifecycle: 'PutBucketLifecycleConfiguration',
    notification: 'PutBucketNotificationConfiguration',
    'object-lock': 'PutObjectLockConfiguration',
    ownershipControls: 'PutBucketOwnershipControls',
    policy: 'PutBucketPolicy',
    publicAccessBlock: 'PutPublicAccessBlock',
    replication: 'PutBucketReplication',
    requestPayment: 'PutBucketRequestPayment',
    tagging: 'PutBucketTagging',
    versioning: 'PutBucketVersioning',
    website: 'PutBucketWebsite',
  },
  POST: { delete: 'DeleteObjects' },
  DELETE: {
    '': 'DeleteBucket',
    encryption: 'DeleteBucketEncryption',
    lifecycle: 'DeleteBucketLifecycle',
    ownershipControls: 'DeleteBucketOwnershipControls',
    policy: 'DeleteBucketPolicy',
    publicAccessBlock: 'DeletePublicAccessBlock',
    tagging: 'DeleteBucketTagging',
    website: 'DeleteBucketWebsite',
  },
};

/** Decodes percent-encoded text. Returns invalid text unchanged, because the service itself rejects it later. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
