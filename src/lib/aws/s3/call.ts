/** One S3 call: it ends with the invocation's deadline, its body is watched, and its errors are translated. */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { S3ClientPair, S3Clients } from './clients.ts';
import { translateError } from '../errors.ts';

/** The calls to one bucket: their clients and their deadline. */
export interface Target {
  /** Called for each call anew, because clients change when credentials are renewed. */
  pair(): S3ClientPair;
  clients: S3Clients;
  /** Aborts the call when the invocation is nearly over. */
  signal: AbortSignal;
  /** For error messages: `destination bucket replica-1`. */
  name: string;
}

export interface CallOptions {
  /** The stream in the request. It is watched in case it breaks, and destroyed afterwards. */
  body?: Readable | Buffer;
  /** The SDK does not retry the call, because the caller repeats the whole pair. The same holds for every call with a body. */
  single?: boolean;
  /** Replaces the deadline, for cleanup that continues after it. */
  signal?: AbortSignal;
  /** How long S3 may be silent before it answers, milliseconds, for a copy inside S3. The SDK does not retry such a call. */
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
    // An answer that came before the whole body was sent leaves the request unfinished, and its connection would stay in use.
    if (body?.readableEnded === false) broken.abort();
    body?.destroy();
  }
};

const clientFor = (pair: S3ClientPair, { body, single, patienceMs }: CallOptions): S3Client => {
  if (patienceMs !== undefined) return pair.patient();
  return body === undefined && !single ? pair.retrying : pair.single;
};

/** Aborts when S3 has been silent for too long. Without `patienceMs` it never aborts: the time-out of the connection decides. */
const patienceOf = ({ patienceMs }: CallOptions): { signal: AbortSignal; end(): void } => {
  const over = new AbortController();
  const timer = patienceMs === undefined ? undefined : setTimeout(() => over.abort(), patienceMs);
  return { signal: over.signal, end: () => clearTimeout(timer) };
};

/** The SDK pipes a body without listening for its errors, so the request would hang forever. */
const watch = (body: Readable | undefined, broken: AbortController): void => {
  if (body === undefined) return;
  if (body.destroyed) broken.abort(body.errored ?? new Error('the body was destroyed'));
  body.once('error', (error) => broken.abort(error));
};
