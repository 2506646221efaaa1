import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Caller } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { FaultPlan } from '../core/fault.ts';
import type { AwsRequest, AwsService } from '../core/request.ts';
import type { Iam } from '../iam/iam.ts';
import { authenticate, refuseWrongTime } from './authenticate.ts';
import { parseSignature } from './parse-signature.ts';
import { AwsError, notSupported } from './aws-error.ts';
import { withFault } from './fault.ts';
import { operationName } from './operation-name.ts';
import { protocolOf, writeError } from './protocol.ts';
import { readBody } from './read-body.ts';
import type { SigningKeys } from './signature.ts';

/** The services and options with which the front door serves one request. */
export interface Exchange {
  services: Record<string, AwsService>;
  iam: Iam;
  clock: Clock;
  faults?: { plan: FaultPlan | undefined };
  /** Kills the process of the Lambda function that sent a request. Does nothing if another client sent it. */
  killFunction?: (request: AwsRequest) => Promise<void>;
  signingKeys: SigningKeys;
  secureTransport: boolean;
}

/** Maximum size, in bytes, of the body of a request to a service other than S3. */
const smallBodyLimitBytes = 32 * 1024 * 1024;

/**
 * Serves a request, from its headers to the end of its response. Never rejects, because every failure leads to an error response or a cut
 * connection.
 */
export async function serveExchange(
  exchange: Exchange,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Without this listener, an 'error' event would end the process when a client disconnects. The service notices the lost connection at its
  // next read or write.
  message.on('error', () => response.destroy());
  response.on('error', () => message.destroy());
  const url = message.url ?? '/';
  const at = url.indexOf('?');
  const [path, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
  const { headers, headersDistinct } = message;
  const signable = { method: message.method ?? 'GET', path, query, headers };
  const signature = parseSignature(signable);
  const service = signature && !(signature instanceof AwsError) ? signature.service : 's3';
  const requestId = setCommonHeaders(response, service, exchange.clock);
  try {
    if (signature instanceof AwsError) throw signature;
    const { body, bytes, payloadHash } = await payloadOf(message, query, service);
    const caller: Caller = signature
      ? authenticate({ ...signable, headersDistinct }, signature, payloadHash, exchange)
      : { kind: 'anonymous' };
    const request: AwsRequest = {
      ...signable,
      service,
      region: signature?.region ?? 'us-east-1',
      body,
      caller,
      secureTransport: exchange.secureTransport,
      requestId,
      sourceIp: message.socket.remoteAddress ?? '127.0.0.1',
      ...tlsVersionOf(message.socket),
      operation: operationName({ ...signable, service }, bytes),
    };
    const fault = exchange.faults?.plan?.(request);
    const nowMs = exchange.clock.now() + (fault?.kind === 'clock-skew' ? fault.aheadMs : 0);
    if (fault?.kind === 'clock-skew') response.setHeader('Date', new Date(nowMs).toUTCString());
    if (signature) refuseWrongTime(signature, nowMs);
    const target = exchange.services[service];
    if (!target) throw notSupported(`the service ${service}`);
    await withFault(fault, { request, response, killFunction: exchange.killFunction }, (seen, answer) =>
      target.handle(seen, answer),
    );
  } catch (error) {
    if (!response.destroyed)
      writeError(response, { service, requestId, method: signable.method, path }, error);
  }
}

/**
 * Sets the headers that every response has, and returns the request id. The Date header has the time of the local AWS, because SDKs correct
 * their own clock by it after an error about the time.
 */
function setCommonHeaders(response: ServerResponse, service: string, clock: Clock): string {
  response.setHeader('Date', new Date(clock.now()).toUTCString());
  if (protocolOf(service) !== 's3') {
    const requestId = randomUUID();
    response.setHeader('x-amzn-RequestId', requestId);
    return requestId;
  }
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  response.setHeader('Server', 'AmazonS3');
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('x-amz-id-2', randomBytes(40).toString('base64'));
  return requestId;
}

/**
 * Returns the body of a request and its hash. For S3, the body is a stream, and the hash is the one that the client declares; S3 checks it
 * while it reads the body. The bodies of other services are small, so they are read and hashed here.
 */
async function payloadOf(
  message: IncomingMessage,
  query: string,
  service: string,
): Promise<{ body: Readable; bytes?: Buffer; payloadHash: string }> {
  if (service === 's3') return { body: message, payloadHash: declaredHash(message, query) };
  const bytes = await readBody(message, smallBodyLimitBytes);
  return { body: Readable.from([bytes]), bytes, payloadHash: hash('sha256', bytes, 'hex') };
}

function tlsVersionOf(socket: Socket): { tlsVersion?: string } {
  const protocol = socket instanceof TLSSocket ? socket.getProtocol() : null;
  return protocol === null ? {} : { tlsVersion: protocol.replace('TLSv', '') };
}

function declaredHash(message: IncomingMessage, query: string): string {
  const header = message.headers['x-amz-content-sha256'];
  if (typeof header === 'string') return header;
  if (message.headers.authorization !== undefined) {
    throw new AwsError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  return new URLSearchParams(query).get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD';
}
