import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { FaultPlan } from '../core/fault.ts';
import type { AwsRequest, AwsService } from '../core/request.ts';
import type { Iam } from '../iam/iam.ts';
import { makeLocalCertificate } from './certificate.ts';
import { type Exchange, serveExchange } from './exchange.ts';
import { createSigningKeys } from './signature.ts';

export interface FrontDoor {
  /** The HTTP endpoint, e.g. `http://127.0.0.1:4566`. In its requests, the condition key aws:SecureTransport is false. */
  httpEndpoint: string;
  /** The HTTPS endpoint, e.g. `https://127.0.0.1:4567`. In its requests, the condition key aws:SecureTransport is true. */
  httpsEndpoint: string;
  /** The path of a PEM file with the certificate authority, for NODE_EXTRA_CA_CERTS and AWS_CA_BUNDLE. `close` removes the file. */
  caFile: string;
  /** The certificate authority in PEM, for `new https.Agent({ ca })`. */
  caPem: string;
  /** Stops listening and cuts open connections. */
  close(): Promise<void>;
}

export interface FrontDoorOptions {
  /** The services by their name in the SigV4 credential scope: `s3`, `sts`, `sqs`, `dynamodb`, … */
  services: Record<string, AwsService>;
  iam: Iam;
  clock: Clock;
  /** The fault plan is called for every request. It may be set and removed while the servers run. */
  faults?: { plan: FaultPlan | undefined };
  /** Kills the process of the Lambda function that sent a request. Used for the fault `kill-function`. */
  killFunction?: (request: AwsRequest) => Promise<void>;
  /** The ports on 127.0.0.1. The default is 0, which lets the system choose a free port. */
  httpPort?: number;
  httpsPort?: number;
}

/** Starts an HTTP and an HTTPS server for all services. Both listen only on 127.0.0.1. */
export async function startFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const certificate = makeLocalCertificate();
  const folder = mkdtempSync(join(tmpdir(), 'local-aws-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, certificate.ca);
  const exchange = { ...options, signingKeys: createSigningKeys() };
  const plain = configure(createServer(serverOptions), { ...exchange, secureTransport: false });
  const secure = configure(createTlsServer({ ...serverOptions, ...certificate }), {
    ...exchange,
    secureTransport: true,
  });
  const [http, https] = await Promise.all([
    listen(plain, options.httpPort ?? 0),
    listen(secure, options.httpsPort ?? 0),
  ]);
  return {
    httpEndpoint: `http://127.0.0.1:${http.port}`,
    httpsEndpoint: `https://127.0.0.1:${https.port}`,
    caFile,
    caPem: certificate.ca,
    async close() {
      await Promise.all([http.close(), https.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The options of both servers. Requests have no time limit, because an upload of many gigabytes takes long. Idle connections stay open for
 * a minute.
 */
const serverOptions = { keepAliveTimeout: 60_000, requestTimeout: 0, maxHeaderSize: 65_536, noDelay: true };

function configure(server: Server, exchange: Exchange): Server {
  const serve: RequestListener = (request, response) => {
    void serveExchange(exchange, request, response);
  };
  server.on('request', serve);
  server.on('checkContinue', (request, response) => {
    continueOnFirstRead(request, response);
    serve(request, response);
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/**
 * Sends `100 Continue` only when the service begins to read the body, as S3 does. If the service rejects an upload without reading it, the
 * client need not send the body. The connection is then closed, because the client may send the body nevertheless.
 */
function continueOnFirstRead(request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  const read = request._read.bind(request);
  request._read = (sizeBytes) => {
    request._read = read;
    if (!response.headersSent) {
      response.shouldKeepAlive = true;
      response.writeContinue();
    }
    read(sizeBytes);
  };
}

interface Listener {
  port: number;
  close(): Promise<void>;
}

async function listen(server: Server, port: number): Promise<Listener> {
  // All open sockets. `closeAllConnections` skips connections during their TLS handshake, and `close` would wait a minute for them.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server is not listening');
  return address.port;
}
