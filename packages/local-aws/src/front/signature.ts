import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from './aws-error.ts';

/** The signature of a request and its parameters. `parseSignature` returns it. */
export interface Signature {
  kind: 'header' | 'presigned';
  accessKeyId: string;
  /** For example `20260131`. */
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** For example `20260131T120000Z`. */
  timestamp: string;
  sessionToken: string | undefined;
  /** How many seconds a presigned URL is valid. Absent for other signatures. */
  expiresSeconds?: number;
}

export interface SignedRequest {
  method: string;
  /** The path without the query, still percent-encoded. */
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  /** All values of each header. Node joins repeated headers by a comma and a space, but the signature joins them by a comma alone. */
  headersDistinct: NodeJS.Dict<string[]>;
}

/** Converts the timestamp of a signature to milliseconds since the epoch. Returns NaN for an invalid timestamp. */
export function timestampMs(timestamp: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/**
 * True if the request and the signing key result in this signature.
 *
 * Node decodes the bytes of headers as Latin-1. Encoding the canonical request as Latin-1 therefore restores the bytes that the client
 * sent. As in AWS, a client that signs other bytes than it sends gets SignatureDoesNotMatch.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signatureMatches(
  request: SignedRequest,
  signature: Signature,
  signingKey: Buffer,
  payloadHash: string,
): boolean {
  const canonical = Buffer.from(canonicalRequest(request, signature, payloadHash), 'latin1');
  const toSign = `AWS4-HMAC-SHA256\n${signature.timestamp}\n${scopeOf(signature)}\n${hash('sha256', canonical, 'hex')}`;
  const expected = Buffer.from(createHmac('sha256', signingKey).update(toSign).digest('hex'));
  const actual = Buffer.from(signature.signature);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

export type SigningKeys = (secretAccessKey: string, signature: Signature) => Buffer;

/** Creates a cache of signing keys by secret, day, region and service. Each key takes four HMACs to compute. */
export function createSigningKeys(): SigningKeys {
  const keys = new Map<string, Buffer>();
  return (secretAccessKey, signature) => {
    const name = `${secretAccessKey} ${scopeOf(signature)}`;
    const known = keys.get(name);
    if (known) return known;
    const key = [signature.date, signature.region, signature.service, 'aws4_request'].reduce<Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      Buffer.from(`AWS4${secretAccessKey}`),
    );
    if (keys.size >= 1000) keys.clear();
    keys.set(name, key);
    return key;
  };
}

/** Parses the Authorization header. Returns the error of AWS for an invalid header. */
export function parseAuthorization(
  authorization: string,
  headers: IncomingHttpHeaders,
): Signature | AwsError {
  const match =
    /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})$/.exec(
      authorization.trim(),
    );
  const scope = parseCredential(match?.[1] ?? '');
  const timestamp = single(headers['x-amz-date']) ?? basicFormat(headers.date);
  if (!match || !scope || timestamp === undefined) {
    return new AwsError(
      'AuthorizationHeaderMalformed',
      'The authorization header is malformed; a SigV4 signature with Credential, SignedHeaders and Signature is needed.',
    );
  }
  return {
    kind: 'header',
    ...scope,
    signedHeaders: (match[2] ?? '').split(';'),
    signature: match[3] ?? '',
    timestamp,
    sessionToken: single(headers['x-amz-security-token']),
  };
}

type Scope = Pick<Signature, 'accessKeyId' | 'date' | 'region' | 'service'>;

export function parseCredential(credential: string): Scope | undefined {
  const [, accessKeyId = '', date = '', region = '', service = ''] =
    /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential) ?? [];
  return accessKeyId ? { accessKeyId, date, region, service } : undefined;
}

function canonicalRequest(request: SignedRequest, signature: Signature, payloadHash: string): string {
  const headers = signature.signedHeaders.map(
    (name) => `${name}:${(request.headersDistinct[name] ?? []).map(trimmed).join(',')}\n`,
  );
  return [
    request.method,
    canonicalPath(request.path, signature.service),
    canonicalQuery(request.query),
    headers.join(''),
    signature.signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/**
 * Returns the path as the signature covers it. For S3, this is the encoded path. For every other service, the path is normalised and
 * encoded a second time.
 */
function canonicalPath(path: string, service: string): string {
  if (service === 's3') return path.split('/').map(recode).join('/');
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const trailing = segments.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${segments.map(encodeRfc3986).join('/')}${trailing}`;
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
    .map((pair) => {
      const at = pair.indexOf('=');
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [recode(name), recode(value)] as const;
    })
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function recode(encoded: string): string {
  try {
    return encodeRfc3986(decodeURIComponent(encoded));
  } catch {
    return encoded;
  }
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function scopeOf({ date, region, service }: Scope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

const trimmed = (value: string): string => value.trim().replace(/ +/g, ' ');

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}

function basicFormat(httpDate: string | undefined): string | undefined {
  const epochMs = Date.parse(httpDate ?? '');
  return Number.isNaN(epochMs) ? undefined : new Date(epochMs).toISOString().replace(/[-:]|\.\d+/g, '');
}
