/** The local S3: takes requests from the front door, runs their operations and writes the responses. */
import type { ServerResponse } from 'node:http';
import type { Caller, PolicyDocument } from '../core/access.ts';
import type { AwsRequest, AwsService } from '../core/request.ts';
import { writeAnswer, writeS3Error, type S3Exchange } from './protocol/answer.ts';
import { checkExpectedOwner } from './access/expected-owner.ts';
import { refuseUnpaid } from './buckets/request-payment.ts';
import { createBucket, listBuckets } from './buckets/bucket-operations.ts';
import { applyProperties, type BucketProperties } from './buckets/bucket-properties.ts';
import { addBucket, removeBucket } from './buckets/buckets.ts';
import { removePolicy, setPolicy } from './buckets/bucket-policy.ts';
import { chunkVerifier } from './protocol/chunk-signatures.ts';
import { releaseContent } from './storage/content.ts';
import { DEFAULT_EARLY_ANSWER_MS, mayBeAnsweredEarly, writeMaybeEarly } from './protocol/early-answer.ts';
import { S3Error } from './errors.ts';
import { UnsupportedPolicy } from '../iam/policy-errors.ts';
import { createKeyIndex } from './model/key-index.ts';
import type { Bucket } from './model/bucket.ts';
import { findBucketOperation, isCreateBucket, findObjectOperation } from './operations.ts';
import { readObject, type ObjectName } from './objects/read-object.ts';
import { accountOf, parseRequest, type Answer, type S3Request } from './protocol/request.ts';
import { runDue } from './lifecycle/run-due.ts';
import { createSparseObject, type MadeObject, type SparseObject } from './objects/sparse-object.ts';
import type { SparseReplica } from './storage/sparse/sparse-replica.ts';
import { createState, type S3Options, type S3State } from './model/state.ts';

export interface S3Service extends AwsService {
  /** Creates a bucket with the properties of AWS::S3::Bucket. Throws {@link S3Error}. */
  createBucket(bucket: { name: string; accountId: string; region: string } & BucketProperties): void;
  /**
   * Applies properties to a bucket. A setting whose property was removed from the template (it is only in `previous`) returns to its
   * default. A setting that neither template contains stays unchanged. Throws NoSuchBucket.
   */
  updateBucket(name: string, properties: BucketProperties, previous?: BucketProperties): void;
  /** Deletes a bucket. With `force`, deletes the bucket's objects first. Throws BucketNotEmpty or NoSuchBucket. */
  deleteBucket(name: string, options?: { force?: boolean }): void;
  /** Sets the policy of a bucket, or removes it if `policy` is null. Throws MalformedPolicy, NoSuchBucket, or AccessDenied for a blocked public policy. */
  setBucketPolicy(name: string, policy: PolicyDocument | null): void;
  hasBucket(name: string): boolean;
  /** Returns the owner, region and ARN of a bucket; null if the bucket does not exist. */
  describeBucket(name: string): { accountId: string; region: string; arn: string } | null;
  /** Creates an object of any size whose content is generated on each read and never stored. Throws {@link S3Error}. */
  createSparseObject(object: SparseObject): MadeObject;
  /**
   * Declares keys at which copies of a sparse object are expected. From then on, uploads to these keys must contain the object's content,
   * or fail with BadDigest. Only the position of the bytes in that content is stored, so a replica needs no more storage than its source.
   */
  receiveSparse(replica: SparseReplica): void;
  /**
   * Performs the due work of restores, lifecycle rules and archive tiers. Every request also does this, so a call is needed only if no
   * request follows.
   */
  runDue(): void;
  /** Reads an object for another service with the permissions of `caller`. Throws {@link S3Error}. */
  readObject(caller: Caller, object: ObjectName): Promise<Buffer>;
  /** Ends the thread that writes large uploads, if it was started. No request may follow. */
  close(): Promise<void>;
}

export const createS3 = (options: S3Options): S3Service => {
  const state = createState(options);
  return {
    handle: (request, response) => handle(state, request, response),
    createBucket: ({ name, accountId, region, ...properties }) => {
      const bucket = addBucket(state, { name, accountId, region });
      try {
        applyProperties(state, bucket, properties);
      } catch (error) {
        state.buckets.delete(name);
        throw error;
      }
    },
    updateBucket: (name, properties, previous) =>
      applyProperties(state, existingBucket(state, name), properties, previous),
    deleteBucket: (name, { force = false } = {}) => {
      const bucket = existingBucket(state, name);
      if (force) emptyBucket(bucket);
      removeBucket(state, bucket);
    },
    setBucketPolicy: (name, policy) => {
      const bucket = existingBucket(state, name);
      if (policy === null) removePolicy(state, bucket);
      else setPolicy(state, bucket, JSON.stringify(policy));
    },
    runDue: () => runDue(state),
    hasBucket: (name) => state.buckets.has(name),
    createSparseObject: (object) => createSparseObject(state, object),
    receiveSparse: (replica) => void state.sparseReplicas.push(replica),
    readObject: (caller, object) => readObject(state, caller, object),
    close: () => state.blobs.close(),
    describeBucket: (name) => {
      const bucket = state.buckets.get(name);
      return bucket === undefined
        ? null
        : { accountId: bucket.accountId, region: bucket.region, arn: bucket.arn };
    },
  };
};

const existingBucket = (state: S3State, name: string): Bucket => {
  const bucket = state.buckets.get(name);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', { elements: { BucketName: name } });
  return bucket;
};

const emptyBucket = (bucket: Bucket): void => {
  for (const { versions } of bucket.keys.values())
    for (const version of versions) if (version.kind === 'object') releaseContent(version.content);
  bucket.keys = createKeyIndex();
};

const handle = async (state: S3State, aws: AwsRequest, response: ServerResponse): Promise<void> => {
  runDue(state);
  const exchange: S3Exchange = { response, requestId: aws.requestId, isHead: aws.method === 'HEAD' };
  try {
    const request = parseRequest(aws);
    request.chunkVerifier = chunkVerifier(state, request);
    const pending = dispatch(state, request, response);
    if (mayBeAnsweredEarly(request)) {
      const afterMs = state.earlyAnswerAfterMs ?? DEFAULT_EARLY_ANSWER_MS;
      await writeMaybeEarly(exchange, pending, { afterMs, resource: aws.path, asS3Error });
      return;
    }
    const answer = await pending;
    // Reads the rest of the body, because the connection could not be reused otherwise.
    aws.body.resume();
    await writeAnswer(exchange, answer);
  } catch (error) {
    aws.body.resume();
    if (response.destroyed || aws.body.errored !== null) return;
    if (response.headersSent) response.destroy();
    else writeS3Error(exchange, asS3Error(error), aws.path);
  }
};

const asS3Error = (error: unknown): S3Error =>
  error instanceof S3Error
    ? error
    : error instanceof UnsupportedPolicy
      ? new S3Error('NotImplemented', {
          message: `the local AWS does not support this policy: ${error.message}`,
        })
      : new S3Error('InternalError', { cause: error, message: internalMessage(error) });

/** Returns the message of an InternalError. It contains the stack trace, because the local S3 has no log. */
const internalMessage = (error: unknown): string =>
  `We encountered an internal error. Please try again. (${error instanceof Error ? (error.stack ?? error.message) : String(error)})`;

const dispatch = async (state: S3State, request: S3Request, response: ServerResponse): Promise<Answer> => {
  const { bucketName, key, method } = request;
  if (bucketName === null) {
    if (method === 'GET') return listBuckets(state, request);
    throw new S3Error('MethodNotAllowed', { elements: { Method: method, ResourceType: 'SERVICE' } });
  }
  if (isCreateBucket(request)) return createBucket(state, request, bucketName);
  const bucket = existingBucket(state, bucketName);
  checkExpectedOwner(request, 'x-amz-expected-bucket-owner', bucket);
  refuseUnpaid(bucket, request);
  checkRegion(request, bucket);
  const context = { state, request, response, bucket };
  if (key === null) return findBucketOperation(request)(context);
  return findObjectOperation(request)({ ...context, key });
};

/** Throws an error if the request is signed for a region other than the bucket's. A header of the error names the bucket's region. */
const checkRegion = (request: S3Request, bucket: Bucket): void => {
  const { region, caller, headers } = request.aws;
  if (region === bucket.region || accountOf(caller) === '' || region === '') return;
  const withRegion = { headers: { 'x-amz-bucket-region': bucket.region } };
  if (request.addressing === 'virtual-host')
    throw new S3Error('AuthorizationHeaderMalformed', {
      ...withRegion,
      message: `The authorization header is malformed; the region '${region}' is wrong; expecting '${bucket.region}'`,
      elements: { Region: bucket.region },
    });
  throw new S3Error('PermanentRedirect', {
    ...withRegion,
    elements: { Endpoint: headers.host ?? '', Bucket: bucket.name },
  });
};
