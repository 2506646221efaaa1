/** A request as S3 reads it: which bucket, which key, which sub-resource. */
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
  /** Decoded. Null for requests to the service or a bucket. */
  key: string | null;
  /** Decoded query parameters; one without a value is ''. */
  query: Map<string, string>;
  /** Of a body that is signed in chunks. */
  chunkVerifier?: ChunkVerifier | null;
}

/** Told of a body in order. Both ends throw SignatureDoesNotMatch. */
export interface ChunkVerifier {
  update(bytes: Buffer): void;
  endChunk(signature: string | undefined): void;
  /** `canonical` has a line `name:value` for each trailing header. */
  endTrailer(canonical: string, signature: string | undefined): void;
}

/** What an operation on a bucket works with. */
export interface BucketContext {
  state: S3State;
  request: S3Request;
  response: ServerResponse;
  bucket: Bucket;
}

export interface ObjectContext extends BucketContext {
  key: string;
}

/** An answer before it is written. */
export interface Answer {
  status: number;
  headers?: Record<string, string | string[]>;
  body?: string | Content;
}

/** Throws InvalidURI for a path or query that is not percent-encoded UTF-8, KeyTooLongError over 1,024 bytes. */
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

/** A header's value, or undefined when absent. Repeated headers are joined as S3 joins them. */
export const header = (request: S3Request, name: string): string | undefined => {
  const value = request.aws.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

/** A query parameter that must be a whole number within bounds. Throws InvalidArgument otherwise. */
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

/** The account a caller acts for; '' for nobody. */
export const accountOf = (caller: Caller): string => {
  if (caller.kind === 'anonymous') return '';
  return caller.kind === 'service' ? caller.sourceAccount : caller.accountId;
};

const MAX_KEY_BYTES = 1024;

/** `a=1&b` → Map. In a query, unlike in a path, a plus is a space. */
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

/** Throws InvalidURI where the bytes are not UTF-8. */
export const decodeUri = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { elements: { URI: text }, cause });
  }
};

/** `bucket.localhost:4566` and `bucket.s3.eu-west-1.amazonaws.com` name the bucket in the host. */
const bucketOfHost = (host: string | undefined): string | null =>
  /^(?!s3\.localhost)(.+?)\.(?:localhost|s3[.-][a-z0-9.-]+)(?::\d+)?$/i.exec(host ?? '')?.[1] ?? null;

const invalidInteger = (name: string, text: string, bounds: { min: number; max: number }): S3Error =>
  new S3Error('InvalidArgument', {
    message: Number.isNaN(Number(text))
      ? `Provided ${name} not an integer or within integer range`
      : `Argument ${name} must be an integer between ${bounds.min} and ${bounds.max}`,
    elements: { ArgumentName: name, ArgumentValue: text },
  });
