import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AwsRequest } from '../core/request.ts';
import { AwsError } from '../front/aws-error.ts';
import { readBody } from '../front/read-body.ts';
import type { ResourceContext } from './provider.ts';

/** One expected answer. */
export interface ExpectedResponse {
  url: string;
  /** The text that was PUT to the URL; null when none arrived in time. */
  body: Promise<string | null>;
  cancel(): void;
}

/** The presigned URLs, in CloudFormation's own bucket, to which the functions of custom resources send their answers. */
export interface ResponseEndpoint {
  open(context: ResourceContext, requestId: string, timeoutMs: number): ExpectedResponse;
  /** Handles a request to that bucket; returns false for any other request. */
  handle(request: AwsRequest, response: ServerResponse): Promise<boolean>;
  /** Stops waiting for answers. */
  close(): void;
}

const BUCKET_PREFIX = 'cloudformation-custom-resource-response-';
const LARGEST_BODY_BYTES = 1024 * 1024;

/** `endpoint` returns the local AWS's own HTTPS address. */
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
        // CloudFormation presigns these URLs in the old format, with `Signature` and no region.
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
