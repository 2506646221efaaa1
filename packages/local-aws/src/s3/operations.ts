/** Finds the operation of a request by its method and sub-resource. */
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './access/acl.ts';
import { getBucketNotification, putBucketNotification } from './buckets/bucket-notification.ts';
import {
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  putBucketVersioning,
} from './buckets/bucket-operations.ts';
import * as settings from './buckets/bucket-settings.ts';
import { getRequestPayment, putRequestPayment } from './buckets/request-payment.ts';
import { completeMultipartUpload } from './multipart/complete-multipart.ts';
import { copyObject } from './objects/copy-object.ts';
import { uploadPartCopy } from './multipart/upload-part-copy.ts';
import { deleteObject, deleteObjects } from './objects/delete-object.ts';
import { refuseEncryptionHeader } from './access/encryption.ts';
import { S3Error } from './errors.ts';
import { getObject, headObject } from './objects/get-object.ts';
import {
  deleteIntelligentTiering,
  getIntelligentTiering,
  putIntelligentTiering,
} from './lifecycle/intelligent-tiering-configuration.ts';
import {
  deleteBucketLifecycle,
  getBucketLifecycle,
  putBucketLifecycle,
} from './lifecycle/lifecycle-operations.ts';
import { listObjectsV1, listObjectsV2 } from './listing/list-objects.ts';
import { listMultipartUploads } from './multipart/list-uploads.ts';
import { listParts } from './multipart/list-parts.ts';
import { listObjectVersions } from './listing/list-versions.ts';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart/multipart.ts';
import { getObjectAttributes } from './objects/object-attributes.ts';
import {
  getObjectLockConfiguration,
  putObjectLockConfiguration,
} from './buckets/object-lock-configuration.ts';
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from './objects/object-lock-operations.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './objects/object-tagging.ts';
import { putObject } from './objects/put-object.ts';
import type { Answer, BucketContext, ObjectContext, S3Request } from './protocol/request.ts';
import { restoreObject } from './lifecycle/restore-object.ts';

type Operation<C> = (context: C) => Answer | Promise<Answer>;

/**
 * Returns the operation of a request on a bucket. Throws MethodNotAllowed, or NotImplemented for a sub-resource that the local S3 does not
 * support.
 */
export const findBucketOperation = (request: S3Request): Operation<BucketContext> =>
  choose(request, BUCKET_OPERATIONS, BUCKET_SUBRESOURCES, 'BUCKET');

export const findObjectOperation = (request: S3Request): Operation<ObjectContext> => {
  const operation = chooseForObject(request);
  if (!ENCRYPTING.includes(operation)) refuseEncryptionHeader(request);
  return operation;
};

const chooseForObject = (request: S3Request): Operation<ObjectContext> => {
  const isCopy = request.method === 'PUT' && request.aws.headers['x-amz-copy-source'] !== undefined;
  if (isCopy) return request.query.has('uploadId') ? uploadPartCopy : copyObject;
  return choose(request, OBJECT_OPERATIONS, OBJECT_SUBRESOURCES, 'OBJECT');
};

/** The operations that accept headers about server-side encryption. */
const ENCRYPTING: Operation<ObjectContext>[] = [putObject, copyObject, createMultipartUpload];

/** True if the request is a CreateBucket. Every other operation on a bucket requires that the bucket exists. */
export const isCreateBucket = (request: S3Request): boolean =>
  request.method === 'PUT' && request.key === null && subresourceOf(request, BUCKET_SUBRESOURCES) === '';

const BUCKET_OPERATIONS: Record<string, Operation<BucketContext>> = {
  'GET ': (context) =>
    context.request.query.get('list-type') === '2' ? listObjectsV2(context) : listObjectsV1(context),
  'HEAD ': headBucket,
  'DELETE ': deleteBucket,
  'GET acl': getBucketAcl,
  'PUT acl': putBucketAcl,
  'POST delete': deleteObjects,
  'GET encryption': settings.getBucketEncryption,
  'PUT encryption': settings.putBucketEncryption,
  'DELETE encryption': settings.deleteBucketEncryption,
  'GET intelligent-tiering': getIntelligentTiering,
  'PUT intelligent-tiering': putIntelligentTiering,
  'DELETE intelligent-tiering': deleteIntelligentTiering,
  'GET lifecycle': getBucketLifecycle,
  'PUT lifecycle': putBucketLifecycle,
  'DELETE lifecycle': deleteBucketLifecycle,
  'GET location': getBucketLocation,
  'GET notification': getBucketNotification,
  'PUT notification': putBucketNotification,
  'GET object-lock': getObjectLockConfiguration,
  'PUT object-lock': putObjectLockConfiguration,
  'GET ownershipControls': settings.getBucketOwnership,
  'PUT ownershipControls': settings.putBucketOwnership,
  'DELETE ownershipControls': settings.deleteBucketOwnership,
  'GET policy': settings.getBucketPolicy,
  'PUT policy': settings.putBucketPolicy,
  'DELETE policy': settings.deleteBucketPolicy,
  'GET publicAccessBlock': settings.getPublicAccessBlock,
  'PUT publicAccessBlock': settings.putPublicAccessBlock,
  'DELETE publicAccessBlock': settings.deletePublicAccessBlock,
  'GET requestPayment': getRequestPayment,
  'PUT requestPayment': putRequestPayment,
  'GET tagging': settings.getBucketTagging,
  'PUT tagging': settings.putBucketTagging,
  'DELETE tagging': settings.deleteBucketTagging,
  'GET uploads': listMultipartUploads,
  'GET versioning': getBucketVersioning,
  'PUT versioning': putBucketVersioning,
  'GET versions': listObjectVersions,
};

const OBJECT_OPERATIONS: Record<string, Operation<ObjectContext>> = {
  'GET ': getObject,
  'HEAD ': headObject,
  'PUT ': putObject,
  'DELETE ': deleteObject,
  'GET acl': getObjectAcl,
  'PUT acl': putObjectAcl,
  'GET attributes': getObjectAttributes,
  'GET legal-hold': getObjectLegalHold,
  'PUT legal-hold': putObjectLegalHold,
  'GET retention': getObjectRetention,
  'PUT retention': putObjectRetention,
  'POST restore': restoreObject,
  'GET tagging': getObjectTagging,
  'PUT tagging': putObjectTagging,
  'DELETE tagging': deleteObjectTagging,
  'POST uploads': createMultipartUpload,
  'PUT uploadId': uploadPart,
  'POST uploadId': completeMultipartUpload,
  'DELETE uploadId': abortMultipartUpload,
  'GET uploadId': listParts,
};

/**
 * The sub-resources of S3, including those that the local S3 lacks. A request for a sub-resource that the local S3 lacks fails with
 * NotImplemented. Without this list, it would be treated as a plain GET or PUT.
 */
const BUCKET_SUBRESOURCES = [
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'session',
  'tagging',
  'uploads',
  'versioning',
  'versions',
  'website',
];

const OBJECT_SUBRESOURCES = [
  'acl',
  'annotation',
  'attributes',
  'encryption',
  'legal-hold',
  'renameObject',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
];

const choose = <C>(
  request: S3Request,
  operations: Record<string, Operation<C>>,
  subresources: string[],
  resourceType: string,
): Operation<C> => {
  const subresource = subresourceOf(request, subresources);
  const operation = operations[`${request.method} ${subresource}`];
  if (operation !== undefined) return operation;
  if (subresource !== '')
    throw new S3Error('NotImplemented', {
      message: `The local S3 does not have ${request.method} ?${subresource}`,
    });
  throw new S3Error('MethodNotAllowed', { elements: { Method: request.method, ResourceType: resourceType } });
};

const subresourceOf = (request: S3Request, subresources: string[]): string =>
  request.query.size === 0 ? '' : (subresources.find((name) => request.query.has(name)) ?? '');
