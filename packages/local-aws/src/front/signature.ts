import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The signature of a request and its parameters. {@link parseSignature} returns it. */
export interface Signature {
  kind: 'header' | 'presigned';
  accessKeyId: string;
  /** YYYYMMDD */
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** `YYYYMMDDTHHMMSSZ` */
  timestamp: string;
  sessionToken: string | undefined;
  /** How long a presigned URL is valid. Absent for other signatures. */
  expiresSeconds?: number;
}

export interface SignedRequest {
  method: string;
  /** The path without the query. It is still percent-encoded. */
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
}

/** Parses the signature of a request. Returns `undefined` if there is none, and `'malformed'` if it cannot be parsed. */
export function parseSignature(request: SignedRequest): Signature | 'malformed' | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) return parseHeader(authorization, request.headers);
  if (/(^|&)X-Amz-Algorithm=/.test(request.query)) return parsePresigned(request.query);
  return undefined;
}

/** Converts the timestamp of a signature to milliseconds since the epoch. Returns NaN for an invalid timestamp. */
export function timestampMs(timestamp: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/**
 * True if the signature is the one that results from the request and the signing key.
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

function parseHeader(authorization: string, headers: IncomingHttpHeaders): Signature | 'malformed' {
  const match =
    /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})$/.exec(
      authorization.trim(),
    );
  const scope = parseCredential(match?.[1] ?? '');
  const timestamp = single(headers['x-amz-date']) ?? basicFormat(headers.date);
  if (!match || !scope || timestamp === undefined) return 'malformed';
  return {
    kind: 'header',
    ...scope,
    signedHeaders: (match[2] ?? '').split(';'),
    signature: match[3] ?? '',
    timestamp,
    sessionToken: single(headers['x-amz-security-token']),
  };
}

function parsePresigned(query: string): Signature | 'malformed' {
  const parameters = new URLSearchParams(query);
  const scope = parseCredential(parameters.get('X-Amz-Credential') ?? '');
  const timestamp = parameters.get('X-Amz-Date');
  const expires = parameters.get('X-Amz-Expires') ?? '';
  const signature = parameters.get('X-Amz-Signature');
  const algorithm = parameters.get('X-Amz-Algorithm');
  if (!scope || !timestamp || !signature || algorithm !== 'AWS4-HMAC-SHA256' || !/^\d{1,6}$/.test(expires)) {
    return 'malformed';
  }
  return {
    kind: 'presigned',
    ...scope,
    signedHeaders: (parameters.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature,
    timestamp,
    sessionToken: parameters.get('X-Amz-Security-Token') ?? undefined,
    expiresSeconds: Number(expires),
  };
}

type Scope = Pick<Signature, 'accessKeyId' | 'date' | 'region' | 'service'>;

function parseCredential(credential: string): Scope | undefined {
  const [, accessKeyId = '', date = '', region = '', service = ''] =
    /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential) ?? [];
  return accessKeyId ? { accessKeyId, date, region, service } : undefined;
}

function canonicalRequest(request: SignedRequest, signature: Signature, payloadHash: string): string {
  const headers = signature.signedHeaders.map(
    (name) => `${name}:${(single(request.headers[name]) ?? '').trim().replace(/ +/g, ' ')}\n`,
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
 * The path in the form that the signature covers. For S3, this is the encoded path. For every other service, the path is normalised and
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

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}

function basicFormat(httpDate: string | undefined): string | undefined {
  const epochMs = Date.parse(httpDate ?? '');
  return Number.isNaN(epochMs) ? undefined : new Date(epochMs).toISOString().replace(/[-:]|\.\d+/g, '');
}
