/**
 * Single HTTP requests to S3. They are for requests that the SDK does not send, and for responses that the
 * SDK does not show in full.
 */
import { hash } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  encode,
  presignedQuery,
  queryText,
  signedHeaders,
  type SigningCredentials,
  type SigningScope,
} from './sign.ts';

export interface RawRequest {
  bucket?: string;
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** The default is the SHA-256 of the body. */
  payloadHash?: string;
  /** The place of the signature. The default is `header`. */
  signature?: 'header' | 'presigned' | 'none';
  /** How long a presigned request is valid. The default is 60 seconds. */
  expiresSeconds?: number;
  /** The credentials, region or time to sign with. The defaults are those of the target. */
  sign?: Partial<SigningScope>;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The `Code` element of an error document. Null if there is none. */
  code: string | null;
}

/** The endpoint, with its default credentials and region. */
export interface RawTarget {
  /** The URL of the endpoint without a path. */
  origin: string;
  region: string;
  /** Returns the time in milliseconds since the epoch. */
  now(): number;
  credentials(): Promise<SigningCredentials>;
}

export type SendRaw = (method: string, request: RawRequest) => Promise<RawAnswer>;

export const createRawSender =
  (target: RawTarget): SendRaw =>
  async (method, request) => {
    const { host } = new URL(target.origin);
    const path = pathOf(request);
    const payloadHash = request.payloadHash ?? hash('sha256', request.body ?? '', 'hex');
    const scope: SigningScope = {
      credentials: await target.credentials(),
      region: target.region,
      service: 's3',
      nowMs: target.now(),
      ...request.sign,
    };
    const { query = {}, headers = {}, signature = 'header' } = request;
    const toSign = { method, host, path, query, headers, payloadHash };
    if (signature === 'presigned') {
      const signed = presignedQuery(toSign, scope, request.expiresSeconds ?? 60);
      const url = `${target.origin}${path}?${queryText(signed)}`;
      return await exchange(method, url, headers, request.body);
    }
    const text = queryText(query);
    return await exchange(
      method,
      `${target.origin}${text === '' ? path : `${path}?${text}`}`,
      signature === 'none' ? headers : signedHeaders(toSign, scope),
      request.body,
    );
  };

const pathOf = ({ bucket, key }: RawRequest): string => {
  if (bucket === undefined) return '/';
  return key === undefined ? `/${bucket}` : `/${bucket}/${key.split('/').map(encode).join('/')}`;
};

const exchange = (
  method: string,
  url: string,
  headers: Record<string, string>,
  body: string | Buffer | undefined,
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    // A behaviour may give its own `content-length`. That value then replaces the correct one.
    const all = { ...length, ...headers };
    const request = send(url, { method, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const code = /<Error>.*?<Code>([^<]+)<\/Code>/s.exec(text)?.[1] ?? null;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, code });
      });
    });
    request.setTimeout(30_000, () => request.destroy(new Error(`no answer to ${method} ${url}`)));
    request.on('error', reject);
    request.end(body);
  });
