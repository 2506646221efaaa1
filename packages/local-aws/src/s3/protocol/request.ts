/** Parses a request to its bucket, key and parameters. Defines the types that operations take and return. */
import type { ServerResponse } from 'node:http';
import type { Caller } from '../../core/access.ts';
import type { AwsRequest } from '../../core/request.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Content } from '../storage/content.ts';
import type { S3State } from '../model/state.ts';

export interface S3Request {
  aws: AwsRequest;
  method: string;
  addressing: 'path' | 'virtual-host';
  bucketName: string | null;
  /** The decoded key; null for requests about the service or a bucket. */
  key: string | null;
  /** Decoded query parameters. A parameter without a value has the value ''. */
  query: Map<string, string>;
  /** Verifies a body whose chunks are signed; null or absent for any other body. */
  chunkVerifier?: ChunkVerifier | null;
}

/** Receives a body in order and verifies its signatures. `endChunk` and `endTrailer` throw SignatureDoesNotMatch. */
export interface ChunkVerifier {
  update(bytes: Buffer): void;
  endChunk(signature: string | undefined): void;
  /** `canonical` contains a line `name:value` for each trailing header. */
  endTrailer(canonical: string, signature: string | undefined): void;
}

/** The input of an operation on a bucket. */
export interface BucketContext {
  state: S3State;
  request: S3Request;
  response: ServerResponse;
  bucket: Bucket;
}

export interface ObjectContext extends BucketContext {
  key: string;
}

/** A response before it is written. */
export interface Answer {
  status: number;
  headers?: Record<string, string | string[]>;
  body?: string | Content;
}

/**
 * Parses a request. Throws InvalidURI for a path or query that is not percent-encoded UTF-8, and KeyTooLongError for a key over 1,024
 * bytes.
 */
export const parseRequest = (aws: AwsRequest): S3Request => {
  const query = parseQuery(aws.query);
  const virtualBucket = bucketOfHost(aws.headers.host);
  const path = aws.path.startsWith('/') ? aws.path.slice(1) : aws.path;
  const slash = path.indexOf('/');
  const pathBucket = slash === -1 ? path : path.slice(0, slash);
  const rest = virtualBucket !== null ? path : slash === -1 ? '' : path.slice(slash + 1);
  const key = rest === '' ? null : decodeUri(rest);
  if (key !== null && Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new S3Error('KeyTooLongError', {
      elements: { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
  return {
    aws,
    method: aws.method,
    addressing: virtualBucket === null ? 'path' : 'virtual-host',
    bucketName: virtualBucket ?? (pathBucket === '' ? null : decodeUri(pathBucket)),
    key,
    query,
  };
};

/** Returns the value of a header; undefined if absent. The values of a repeated header are joined with commas, as in S3. */
export const header = (request: S3Request, name: string): string | undefined => {
  const value = request.aws.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

/** Returns the value of a query parameter; undefined if absent. Throws InvalidArgument unless it is a whole number within the bounds. */
export const integerParameter = (
  request: S3Request,
  name: string,
  bounds: { min: number; max: number },
): number | undefined => {
  const text = request.query.get(name);
  if (text === undefined || text === '') return undefined;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= bounds.min && value <= bounds.max)) throw invalidInteger(name, text, bounds);
  return value;
};

/** Returns the account of a caller; '' for an anonymous caller. */
export const accountOf = (caller: Caller): string => {
  if (caller.kind === 'anonymous') return '';
  return caller.kind === 'service' ? caller.sourceAccount : caller.accountId;
};

const MAX_KEY_BYTES = 1024;

/** Parses a query such as `a=1&b`. In a query, unlike in a path, a plus sign means a space. */
export const parseQuery = (query: string): Map<string, string> => {
  const parameters = new Map<string, string>();
  if (query === '') return parameters;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals === -1 ? pair : pair.slice(0, equals);
    const value = equals === -1 ? '' : pair.slice(equals + 1);
    parameters.set(decodeUri(name.replaceAll('+', ' ')), decodeUri(value.replaceAll('+', ' ')));
  }
  return parameters;
};

/** Decodes percent-encoded text. Throws InvalidURI if the decoded bytes are not UTF-8. */
export const decodeUri = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { elements: { URI: text }, cause });
  }
};

/** Returns the bucket in a host such as `bucket.localhost:4566` or `bucket.s3.eu-west-1.amazonaws.com`; null if there is none. */
const bucketOfHost = (host: string | undefined): string | null =>
  /^(?!s3\.localhost)(.+?)\.(?:localhost|s3[.-][a-z0-9.-]+)(?::\d+)?$/i.exec(host ?? '')?.[1] ?? null;

const invalidInteger = (name: string, text: string, bounds: { min: number; max: number }): S3Error =>
  new S3Error('InvalidArgument', {
    message: Number.isNaN(Number(text))
      ? `Provided ${name} not an integer or within integer range`
      : `Argument ${name} must be an integer between ${bounds.min} and ${bounds.max}`,
    elements: { ArgumentName: name, ArgumentValue: text },
  });
