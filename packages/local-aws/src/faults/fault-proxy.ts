/**
 * A proxy that injects faults into requests to another endpoint, such as MinIO, another emulator, or this local AWS in another process.
 *
 * The proxy forwards each request with its original Host header. SigV4 signs this header, so with another Host header the target would
 * reject the signature.
 */
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FaultPlan } from '../core/fault.ts';
import type { AwsRequest } from '../core/request.ts';
import { refuseWrongTime } from '../front/authenticate.ts';
import { makeLocalCertificate } from '../front/certificate.ts';
import { withFault } from '../front/fault.ts';
import { operationName } from '../front/operation-name.ts';
import { writeError } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { AwsError } from '../front/aws-error.ts';
import { parseSignature } from '../front/parse-signature.ts';
import type { Signature } from '../front/signature.ts';

export interface FaultProxyOptions {
  /** The URL of the target without a path, e.g. `http://127.0.0.1:9000`. */
  target: string;
  /**
   * Called for every request. The proxy injects only faults of requests, not of messages or invocations. Rules cannot select a caller,
   * because the proxy does not know the callers.
   */
  plan: FaultPlan;
  /** PEM of the certificate authority of an HTTPS target. The default is the authorities that Node trusts. */
  targetCa?: string;
  /** The ports on 127.0.0.1. The default is 0, which lets the system choose a free port. */
  httpPort?: number;
  httpsPort?: number;
}

export interface FaultProxy {
  httpEndpoint: string;
  httpsEndpoint: string;
  /** PEM of the certificate authority of the HTTPS endpoint. */
  caPem: string;
  close(): Promise<void>;
}

export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const forward = createForwarder(options);
  const certificate = makeLocalCertificate();
  const settings = { keepAliveTimeout: 60_000, requestTimeout: 0, maxHeaderSize: 65_536, noDelay: true };
  const serve = (secureTransport: boolean) => (message: IncomingMessage, response: ServerResponse) => {
    void exchange({ plan: options.plan, forward }, secureTransport, message, response);
  };
  const http = await listen(createServer(settings, serve(false)), options.httpPort ?? 0);
  const https = await listen(
    createTlsServer({ ...settings, ...certificate }, serve(true)),
    options.httpsPort ?? 0,
  );
  return {
    httpEndpoint: `http://127.0.0.1:${http.port}`,
    httpsEndpoint: `https://127.0.0.1:${https.port}`,
    caPem: certificate.ca,
    close: async () => {
      await Promise.all([http.close(), https.close()]);
    },
  };
};

type Forward = (message: IncomingMessage, request: AwsRequest, response: ServerResponse) => Promise<void>;

const exchange = async (
  { plan, forward }: { plan: FaultPlan; forward: Forward },
  secureTransport: boolean,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  message.on('error', () => response.destroy());
  response.on('error', () => message.destroy());
  const { request, signature } = await requestOf(message, secureTransport);
  try {
    const fault = plan(request);
    if (fault?.kind === 'clock-skew') judgeBySkewedClock(response, signature, fault.aheadMs);
    await withFault(fault, { request, response }, (sent, answer) => forward(message, sent, answer));
  } catch (error) {
    if (!response.destroyed) writeError(response, request, error);
  }
};

/**
 * Converts an HTTP message to the request that the fault plan receives. For a service with the query protocol, this reads the body, because
 * the body names the operation.
 */
const requestOf = async (
  message: IncomingMessage,
  secureTransport: boolean,
): Promise<{ request: AwsRequest; signature: Signature | undefined }> => {
  const url = message.url ?? '/';
  const at = url.indexOf('?');
  const [path, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
  const signable = { method: message.method ?? 'GET', path, query, headers: message.headers };
  const parsed = parseSignature(signable);
  const signature = parsed instanceof AwsError ? undefined : parsed;
  const service = signature?.service ?? 's3';
  const bytes =
    service === 's3' ? undefined : await readBody(message, 32 * 1024 * 1024).catch(() => Buffer.alloc(0));
  const request: AwsRequest = {
    ...signable,
    service,
    region: signature?.region ?? '',
    body: bytes === undefined ? message : Readable.from([bytes], { objectMode: false }),
    caller: { kind: 'anonymous' },
    secureTransport,
    requestId: randomUUID(),
    sourceIp: message.socket.remoteAddress ?? '127.0.0.1',
    operation: operationName({ ...signable, service }, bytes),
  };
  return { request, signature };
};

/**
 * Handles the fault `clock-skew`. The proxy cannot change the target's clock. Instead, it sets the Date header of the response and checks
 * the time of the signature as if the clock were ahead.
 */
const judgeBySkewedClock = (
  response: ServerResponse,
  signature: Signature | undefined,
  aheadMs: number,
): void => {
  const nowMs = Date.now() + aheadMs;
  if (!signature) return;
  response.setHeader('Date', new Date(nowMs).toUTCString());
  refuseWrongTime(signature, nowMs);
};

/**
 * Creates a function that streams a request to the target and the response back. If the target cannot be reached, it cuts the connection to
 * the client.
 */
const createForwarder = ({ target, targetCa }: FaultProxyOptions): Forward => {
  const { protocol, hostname, port } = new URL(target);
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  return (message, request, response) =>
    new Promise((resolve) => {
      const giveUp = (): void => {
        response.destroy();
        resolve();
      };
      const outgoing = send(
        {
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port: port === '' ? undefined : port,
          method: request.method,
          path: message.url,
          // The raw headers keep their order and spelling. Hop-by-hop headers are removed, because they apply only to the client's
          // connection.
          headers: endToEnd(message.rawHeaders),
          setHost: false,
          ...(targetCa !== undefined && { ca: targetCa }),
        },
        (incoming) => {
          response.writeHead(
            incoming.statusCode ?? 502,
            incoming.statusMessage,
            endToEnd(incoming.rawHeaders),
          );
          pipeline(incoming, response).then(resolve, giveUp);
        },
      );
      outgoing.on('error', giveUp);
      response.once('close', () => {
        if (!response.writableFinished) outgoing.destroy();
      });
      // If a fault cuts the body, the connection to the target is cut too, as it would be if the client crashed.
      pipeline(request.body, outgoing).catch(giveUp);
    });
};

/** The hop-by-hop headers of RFC 9110 7.6.1, and Expect, to which this server has already responded. */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'expect'];

const endToEnd = (rawHeaders: string[]): string[] =>
  rawHeaders.filter((_text, at) => !hopByHop.includes((rawHeaders[at - (at % 2)] ?? '').toLowerCase()));

const listen = async (server: Server, port: number): Promise<{ port: number; close(): Promise<void> }> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy is not listening');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
