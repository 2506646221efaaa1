/**
 * Makes one S3 call. The call is aborted when the invocation is nearly over, or when the stream of the request's body fails. Errors of the
 * call are translated into {@link ReplicationError}.
 */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { S3ClientPair, S3Clients } from './clients.ts';
import { translateError } from '../errors.ts';

/** The clients and the time limit of all calls to one bucket. */
export interface Target {
  /** Returns the clients. This function is called again for each S3 call, because the clients change when credentials are renewed. */
  pair(): S3ClientPair;
  clients: S3Clients;
  /** Aborts the call when the invocation is nearly over. */
  signal: AbortSignal;
  /** Names the bucket in error messages, for example `destination bucket replica-1`. */
  name: string;
}

export interface CallOptions {
  /** The body of the request. A stream is watched for errors during the call, and destroyed after it. */
  body?: Readable | Buffer;
  /** If true, the SDK does not retry the call, because the caller retries it. The SDK never retries a call with a body. */
  single?: boolean;
  /** Replaces the signal of the target, for cleanup that continues after that signal has aborted. */
  signal?: AbortSignal;
  /** How long S3 may take to respond to a copy inside S3, milliseconds. The SDK does not retry such a call. */
  patienceMs?: number;
  /** Called with the error before it is translated. May throw another error. */
  onError?: (error: unknown) => void;
}

/** `send` receives the client to use and the options to pass to it. Throws {@link ReplicationError}. */
export const call = async <Output>(
  target: Target,
  operation: string,
  send: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<Output>,
  options: CallOptions = {},
): Promise<Output> => {
  const pair = target.pair();
  const broken = new AbortController();
  const patience = patienceOf(options);
  const body = Buffer.isBuffer(options.body) ? undefined : options.body;
  watch(body, broken);
  try {
    const abortSignal = AbortSignal.any([options.signal ?? target.signal, broken.signal, patience.signal]);
    return await send(clientFor(pair, options), { abortSignal });
  } catch (error) {
    if (broken.signal.aborted) {
      throw new ReplicationError('connection-lost', 'the source body broke off', {
        cause: broken.signal.reason,
      });
    }
    if (patience.signal.aborted) {
      const message = `${operation} in ${target.name}: S3 did not answer in time`;
      throw new ReplicationError('connection-lost', message, { cause: error });
    }
    options.onError?.(error);
    const translated = translateError(error, `${operation} in ${target.name}`);
    if (translated.reason === 'expired-credentials') target.clients.forget(pair);
    throw translated;
  } finally {
    patience.end();
    // If S3 responded before the whole body was sent, the request is unfinished. Without an abort, its connection would remain in use.
    if (body?.readableEnded === false) broken.abort();
    body?.destroy();
  }
};

const clientFor = (pair: S3ClientPair, { body, single, patienceMs }: CallOptions): S3Client => {
  if (patienceMs !== undefined) return pair.patient();
  return body === undefined && !single ? pair.retrying : pair.single;
};

/**
 * The signal aborts when S3 has not responded within `patienceMs`. Without `patienceMs` the signal never aborts, so only the time-out of
 * the connection applies.
 */
const patienceOf = ({ patienceMs }: CallOptions): { signal: AbortSignal; end(): void } => {
  const over = new AbortController();
  const timer = patienceMs === undefined ? undefined : setTimeout(() => over.abort(), patienceMs);
  return { signal: over.signal, end: () => clearTimeout(timer) };
};

/**
 * Aborts the call when its body breaks. The SDK does not listen for errors of a body, so without this abort the request would hang forever.
 */
const watch = (body: Readable | undefined, broken: AbortController): void => {
  if (body === undefined) return;
  if (body.destroyed) broken.abort(body.errored ?? new Error('the body was destroyed'));
  body.once('error', (error) => broken.abort(error));
};
