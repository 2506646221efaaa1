import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Caller } from './access.ts';

/** One AWS request, as the front door passes it to a service. */
export interface AwsRequest {
  service: string;
  region: string;
  method: string;
  /** Still percent-encoded, without the query. */
  path: string;
  /** Without the question mark, still encoded. */
  query: string;
  headers: IncomingHttpHeaders;
  body: Readable;
  caller: Caller;
  secureTransport: boolean;
  requestId: string;
  sourceIp: string;
  /** e.g. `s3:PutObject`, `sqs:SendMessage`, `sts:AssumeRole`; set by the front door. */
  operation?: string;
}

export interface AwsService {
  handle(request: AwsRequest, response: ServerResponse): Promise<void>;
}
