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
  /** e.g. `http://127.0.0.1:4566`; aws:SecureTransport is false here. */
  httpEndpoint: string;
  /** e.g. `https://127.0.0.1:4567`; aws:SecureTransport is true here. */
  httpsEndpoint: string;
  /** Path of the certificate authority's PEM, for NODE_EXTRA_CA_CERTS and AWS_CA_BUNDLE. Removed by `close`. */
  caFile: string;
  /** The same PEM, for `new https.Agent({ ca })`. */
  caPem: string;
  /** Stops listening and cuts open connections. */
  close(): Promise<void>;
}

export interface FrontDoorOptions {
  /** By the service name of the SigV4 credential scope: `s3`, `sts`, `sqs`, `dynamodb`, … */
  services: Record<string, AwsService>;
  iam: Iam;
  clock: Clock;
  /** The plan is called for every request; `plan` may be set and removed while the front door is open. */
  faults?: { plan: FaultPlan | undefined };
  /** Kills the function process that made a request, if one did: for the fault `kill-function`. */
  killFunction?: (request: AwsRequest) => Promise<void>;
  /** Ports on 127.0.0.1; default 0, any free one. */
  httpPort?: number;
  httpsPort?: number;
}

/** One endpoint for all services, over HTTP and HTTPS, on 127.0.0.1 only. */
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

/** Requests have no time limit, because an object of many gigabytes takes long. Idle connections stay open for a minute. */
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
 * Sends `100 Continue` only when the service begins to read, as S3 does, so that a refused upload is refused before the client
 * sends its bytes. A connection whose body was never read cannot be used again, because the client may or may not send the
 * body.
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
  // closeAllConnections ignores connections in their TLS handshake, and closing would wait a minute for them.
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
