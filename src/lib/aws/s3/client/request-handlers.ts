/** The connections of the clients. All of them share one pool, except those that wait for copies inside S3. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type RequestHandler = NonNullable<S3ClientConfig['requestHandler']>;

export interface RequestHandlers {
  usual: RequestHandler;
  /** For calls that move bytes. A connection without traffic is given up sooner. */
  quick: RequestHandler;
  patient(): RequestHandler;
}

const REQUEST_HANDLER = {
  connectionTimeout: 3_000,
  /**
   * How long a connection may be without traffic. S3 sends white space while it completes an upload, so completing does not exceed this
   * limit.
   */
  socketTimeout: 30_000,
  httpsAgent: { keepAlive: true, maxSockets: 128 },
  httpAgent: { keepAlive: true, maxSockets: 128 },
};

/** How long a connection over which bytes move may be without traffic. */
const QUICK_SOCKET_TIMEOUT_MS = 10_000;

/** Creates the connections. All clients share one pool. */
export const requestHandlers = (): Omit<RequestHandlers, 'patient'> => {
  const usual = {
    ...REQUEST_HANDLER,
    httpsAgent: new HttpsAgent(REQUEST_HANDLER.httpsAgent),
    httpAgent: new HttpAgent(REQUEST_HANDLER.httpAgent),
  };
  return { usual, quick: { ...usual, socketTimeout: QUICK_SOCKET_TIMEOUT_MS } };
};

/**
 * S3 may send nothing while it copies, so each call sets its own limit (`call.ts`). Patient clients do not share connections with the other
 * clients.
 */
export const PATIENT_REQUEST_HANDLER = { ...REQUEST_HANDLER, socketTimeout: 900_000 };
