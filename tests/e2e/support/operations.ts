/** Names the API operation of a request, for fault plans and counts. */
import type { AwsRequest } from '@s3-replicator/local-aws';
import type { Stage } from './stages/stage.ts';

/** Returns the name of the operation, e.g. `s3:PutObject`, `sqs:SendMessage` or `sts:AssumeRole`. */
export const operationOf = (request: AwsRequest): string => {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return `${request.service}:${target.split('.').at(-1)}`;
  // Requests to STS name the operation in their body, which is not read here. The tests use only this operation of STS.
  if (request.service === 'sts') return 'sts:AssumeRole';
  const query = new URLSearchParams(request.query);
  const operation = keyOf(request) === '' ? bucketOperation(query) : objectOperation(request.method, query);
  return `s3:${request.headers['x-amz-copy-source'] === undefined ? operation : COPIES[operation]}`;
};

const COPIES: Record<string, string> = { PutObject: 'CopyObject', UploadPart: 'UploadPartCopy' };

const bucketOperation = (query: URLSearchParams): string =>
  query.has('versions') ? 'ListObjectVersions' : 'Bucket';

const objectOperation = (method: string, query: URLSearchParams): string => {
  const verb = { GET: 'Get', PUT: 'Put', DELETE: 'Delete' }[method] ?? method;
  if (query.has('tagging')) return `${verb}ObjectTagging`;
  if (query.has('acl')) return `${verb}ObjectAcl`;
  if (query.has('restore')) return 'RestoreObject';
  switch (method) {
    case 'GET':
      return query.has('uploadId') ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      return query.has('uploadId') ? 'UploadPart' : 'PutObject';
    case 'POST':
      return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
    case 'DELETE':
      return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      return method;
  }
};

/** Selects the recorded requests that write to S3. */
export const writesIn = (requests: string[]): string[] =>
  requests.filter((request) => /s3:Put|Upload|s3:Delete/.test(request));

export const bucketOf = ({ path }: AwsRequest): string => path.split('/')[1] ?? '';

/** Returns the decoded key. A request about a bucket has an empty key. */
export const keyOf = ({ path }: AwsRequest): string => decodeURIComponent(path.split('/').slice(2).join('/'));

/**
 * Records every request that the functions send from now on. A request to S3 is recorded as `operation bucket/key`, and a request
 * to another service only as its operation. If `by` is given, only the requests of the function with that name are recorded. The
 * SDK's own retries, e.g. after a time-out, are left out.
 */
export const watchRequests = ({ aws }: Pick<Stage, 'aws'>, by: string | null = null): string[] => {
  const requests: string[] = [];
  aws.faults.plan = (request) => {
    const isRetry = /attempt=(?!1;)/.test(String(request.headers['amz-sdk-request']));
    if (request.caller.kind !== 'session' || isRetry) return undefined;
    if (by !== null && !request.caller.arn.endsWith(`/${by}`)) return undefined;
    const about = request.service === 's3' ? ` ${bucketOf(request)}/${keyOf(request)}` : '';
    requests.push(operationOf(request) + about);
    return undefined;
  };
  return requests;
};
