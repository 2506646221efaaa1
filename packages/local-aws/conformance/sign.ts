/**
 * Signature Version 4 for requests that the SDK does not send.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHmac, hash } from 'node:crypto';

export interface SigningCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface RequestToSign {
  method: string;
  host: string;
  /** The percent-encoded path, exactly as it is sent. */
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** The SHA-256 of the body in hexadecimal form, or a value that S3 accepts in its place. */
  payloadHash: string;
}

export interface SigningScope {
  credentials: SigningCredentials;
  region: string;
  service: string;
  /** The time of the signature in milliseconds since the epoch. */
  nowMs: number;
}

/** Returns all headers to send, including the signature. */
export const signedHeaders = (request: RequestToSign, scope: SigningScope): Record<string, string> => {
  const timestamp = basicTime(scope.nowMs);
  const { sessionToken, accessKeyId } = scope.credentials;
  const headers: Record<string, string> = {
    ...lowerCased(request.headers),
    host: request.host,
    'x-amz-date': timestamp,
    'x-amz-content-sha256': request.payloadHash,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(headers).toSorted();
  const signature = sign({ ...request, headers }, scope, timestamp);
  const credential = `${accessKeyId}/${scopeText(scope, timestamp)}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
};

/** Returns the query of a presigned request. The host is its only signed header. */
export const presignedQuery = (
  request: Omit<RequestToSign, 'payloadHash' | 'headers'>,
  scope: SigningScope,
  expiresSeconds: number,
): Record<string, string> => {
  const timestamp = basicTime(scope.nowMs);
  const { sessionToken, accessKeyId } = scope.credentials;
  const query: Record<string, string> = {
    ...request.query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scopeText(scope, timestamp)}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': String(expiresSeconds),
    'X-Amz-SignedHeaders': 'host',
    ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
  };
  const toSign = { ...request, query, headers: { host: request.host }, payloadHash: 'UNSIGNED-PAYLOAD' };
  const signature = sign(toSign, scope, timestamp);
  return { ...query, 'X-Amz-Signature': signature };
};

/**
 * Returns the query sorted and encoded as SigV4 signs it. The request must be sent with the query in this
 * form.
 */
export const queryText = (query: Record<string, string>): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join('&');

/** Percent-encodes text as SigV4 requires. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Returns the signature of a request. It covers all headers of the request. */
const sign = (request: RequestToSign, scope: SigningScope, timestamp: string): string => {
  const { headers } = request;
  const names = Object.keys(headers).toSorted();
  const canonical = [
    request.method,
    request.path,
    queryText(request.query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    names.join(';'),
    request.payloadHash,
  ].join('\n');
  // Each character of a header value represents one byte, as in Latin-1.
  const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex');
  const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scopeText(scope, timestamp)}\n${digest}`;
  return createHmac('sha256', signingKey(scope, timestamp)).update(toSign).digest('hex');
};

const signingKey = ({ credentials, region, service }: SigningScope, timestamp: string): Buffer =>
  [timestamp.slice(0, 8), region, service, 'aws4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );

const scopeText = ({ region, service }: SigningScope, timestamp: string): string =>
  `${timestamp.slice(0, 8)}/${region}/${service}/aws4_request`;

const basicTime = (epochMs: number): string => new Date(epochMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
