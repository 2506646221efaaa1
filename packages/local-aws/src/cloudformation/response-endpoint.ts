import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AwsRequest } from '../core/request.ts';
import { AwsError } from '../front/aws-error.ts';
import { readBody } from '../front/read-body.ts';
import type { ResourceContext } from './provider.ts';

/** The response that a custom resource's function is expected to send. */
export interface ExpectedResponse {
  url: string;
  /** Resolves to the text that the function PUTs to the URL, or to null if none arrives in time. */
  body: Promise<string | null>;
  cancel(): void;
}

/** The presigned URLs to which functions of custom resources send their responses. They point to a bucket of CloudFormation, as in AWS. */
export interface ResponseEndpoint {
  open(context: ResourceContext, requestId: string, timeoutMs: number): ExpectedResponse;
  /** Handles a request to the bucket. Resolves to false, without handling it, for a request to any other bucket. */
  handle(request: AwsRequest, response: ServerResponse): Promise<boolean>;
  /** Stops waiting: every open response resolves to null. */
  close(): void;
}

const BUCKET_PREFIX = 'cloudformation-custom-resource-response-';
const LARGEST_BODY_BYTES = 1024 * 1024;

/** `endpoint` returns the HTTPS address of the local AWS. */
export const createResponseEndpoint = (endpoint: () => string): ResponseEndpoint => {
  const expected = new Map<string, (body: string | null) => void>();
  let isClosed = false;
  return {
    open: ({ region, stackId, logicalId }, requestId, timeoutMs) => {
      const signature = randomBytes(20).toString('hex');
      const key = encodeURIComponent(`${stackId}|${logicalId}|${requestId}`);
      const body = new Promise<string | null>((resolve) => expected.set(signature, resolve)).finally(() => {
        clearTimeout(timer);
        expected.delete(signature);
      });
      const give = expected.get(signature);
      const timer = setTimeout(() => give?.(null), isClosed ? 0 : timeoutMs);
      const expires = Math.floor(Date.now() / 1000) + 7200;
      return {
        // CloudFormation presigns these URLs in the old format, which has a `Signature` but no region.
        url: `${endpoint()}/${BUCKET_PREFIX}${region.replaceAll('-', '')}/${key}?AWSAccessKeyId=LOCAL&Expires=${expires}&Signature=${signature}`,
        body,
        cancel: () => give?.(null),
      };
    },
    handle: async (request, response) => {
      if (!request.path.startsWith(`/${BUCKET_PREFIX}`)) return false;
      const body = await readBody(request.body, LARGEST_BODY_BYTES);
      const signature = new URLSearchParams(request.query).get('Signature') ?? '';
      const give = expected.get(signature);
      if (request.method !== 'PUT' || !give) {
        throw new AwsError('AccessDenied', 'Request has expired', { status: 403 });
      }
      give(body.toString('utf8'));
      response.writeHead(200, { 'content-length': 0 }).end();
      return true;
    },
    close: () => {
      isClosed = true;
      for (const give of expected.values()) give(null);
    },
  };
};
