import type { ServerResponse } from 'node:http';
import { UnsupportedPolicy } from '../iam/policy-errors.ts';
import { AwsError, notSupported } from './aws-error.ts';

/** The format of a service's responses and errors. */
export type Protocol = 's3' | 'query' | 'json';

export function protocolOf(service: string): Protocol {
  if (service === 's3') return 's3';
  return ['sts', 'sns', 'iam', 'cloudformation'].includes(service) ? 'query' : 'json';
}

/**
 * Writes an error in the protocol of the service. An error that is not an {@link AwsError} becomes an InternalError with the same message,
 * so that a bug in the local AWS or in a test is visible. Does nothing if the response has already begun.
 */
export function writeError(
  response: ServerResponse,
  request: { service: string; method: string; path: string; requestId: string },
  thrown: unknown,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const error = asAwsError(thrown, request.service);
  const protocol = protocolOf(request.service);
  const body = bodyOf(protocol, error, request);
  response.statusCode = error.status;
  response.setHeader('Content-Type', contentTypes[protocol]);
  if (protocol === 'json') {
    response.setHeader('x-amzn-ErrorType', error.code);
    if (request.service === 'sqs') {
      const fault = error.status >= 500 ? 'Receiver' : 'Sender';
      response.setHeader('x-amzn-query-error', `${error.queryCode ?? error.code};${fault}`);
    }
  }
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}

/** Sends the successful response of a query service. `content` is the XML inside the element `<ActionResult>`. */
export function writeQueryResult(
  response: ServerResponse,
  answer: { action: string; xmlns: string; content: string; requestId: string },
): void {
  const { action, xmlns, content, requestId } = answer;
  const body =
    `<${action}Response xmlns="${xmlns}"><${action}Result>${content}</${action}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`;
  response.writeHead(200, { 'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

export function writeJson(
  response: ServerResponse,
  value: unknown,
  contentType = 'application/x-amz-json-1.0',
): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const contentTypes: Record<Protocol, string> = {
  s3: 'application/xml',
  query: 'text/xml',
  json: 'application/x-amz-json-1.0',
};

function asAwsError(thrown: unknown, service: string): AwsError {
  if (thrown instanceof AwsError) return thrown;
  if (thrown instanceof UnsupportedPolicy) return notSupported(`this policy: ${thrown.message}`);
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new AwsError(service === 's3' ? 'InternalError' : 'InternalFailure', message, { status: 500 });
}

function bodyOf(protocol: Protocol, error: AwsError, request: { path: string; requestId: string }): string {
  const fields = Object.entries(error.fields);
  if (protocol === 'json') {
    return JSON.stringify({ __type: error.code, message: error.message, ...error.fields });
  }
  const code = `<Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>`;
  if (protocol === 'query') {
    const type = error.status >= 500 ? 'Receiver' : 'Sender';
    return `<ErrorResponse><Error><Type>${type}</Type>${code}</Error><RequestId>${request.requestId}</RequestId></ErrorResponse>`;
  }
  const extra = fields.map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`).join('');
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${code}${extra}<Resource>${escapeXml(request.path)}</Resource>` +
    `<RequestId>${request.requestId}</RequestId><HostId>local</HostId></Error>`
  );
}
