import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Caller, ContextValue } from './access.ts';

/** A request to AWS, as the front door (the HTTP and HTTPS servers) passes it to a service. */
export interface AwsRequest {
  service: string;
  region: string;
  method: string;
  /** The path without the query. It is still percent-encoded. */
  path: string;
  /** The query without the question mark. It is still percent-encoded. */
  query: string;
  headers: IncomingHttpHeaders;
  body: Readable;
  caller: Caller;
  secureTransport: boolean;
  requestId: string;
  sourceIp: string;
  /** The version of TLS, e.g. `1.3`. Absent for a request over plain HTTP. */
  tlsVersion?: string;
  /** The operation, e.g. `s3:PutObject`, `sqs:SendMessage` or `sts:AssumeRole`. The front door sets it. */
  operation?: string;
}

export interface AwsService {
  handle(request: AwsRequest, response: ServerResponse): Promise<void>;
}

/** Returns the condition keys that every request over HTTP has. */
export const requestKeys = ({
  sourceIp,
  region,
  headers,
}: Pick<AwsRequest, 'sourceIp' | 'region' | 'headers'>): Record<string, ContextValue> => ({
  'aws:sourceip': sourceIp.replace(/^::ffff:/, ''),
  'aws:requestedregion': region,
  ...(headers['user-agent'] === undefined ? {} : { 'aws:useragent': headers['user-agent'] }),
  ...(headers.referer === undefined ? {} : { 'aws:referer': headers.referer }),
});
