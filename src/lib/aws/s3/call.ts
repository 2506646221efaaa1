/** One S3 call: bound to the invocation's deadline, its body watched, its errors translated. */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { S3ClientPair, S3Clients } from './clients.ts';
import { translateError } from '../errors.ts';

/** Where the calls of one bucket go. Asked for anew each time: clients change when credentials are renewed. */
export interface Target {
  pair(): S3ClientPair;
  clients: S3Clients;
  /** Aborts when the invocation is nearly over. */
  signal: AbortSignal;
  /** `bucket replica-1`: for messages. */
  name: string;
}

export interface CallOptions {
  /** The stream in the request, watched for breaking off and destroyed afterwards. */
  body?: Readable | Buffer;
  /** Not tried again by the SDK: the caller repeats the whole pair. So is everything with a body. */
  single?: boolean;
  /** Instead of the deadline: cleaning up goes on after it. */
  signal?: AbortSignal;
  /** S3 may say nothing for so long before it answers, milliseconds: a copy inside S3. Not tried again by the SDK. */
  patienceMs?: number;
  /** Called first with an untranslated error; may throw another or return. */
  onError?: (error: unknown) => void;
}

/** `send` gets the client to use and the options to pass on to it. */
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
      throw new ReplicationError(
        'connection-lost',
        `${operation} in ${target.name}: S3 did not answer in time`,
        {
          cause: error,
        },
      );
    }
    options.onError?.(error);
    const translated = translateError(error, `${operation} in ${target.name}`);
    if (translated.reason === 'expired-credentials') target.clients.forget(pair);
    throw translated;
  } finally {
    patience.end();
    // An answer that came before the body was sent leaves the request unfinished: its connection would stay taken.
    if (body?.readableEnded === false) broken.abort();
    body?.destroy();
  }
};

const clientFor = (pair: S3ClientPair, { body, single, patienceMs }: CallOptions): S3Client => {
  if (patienceMs !== undefined) return pair.patient();
  return body === undefined && !single ? pair.retrying : pair.single;
};

/** Aborts when S3 has been waited for long enough; never, where that is left to the connection. */
const patienceOf = ({ patienceMs }: CallOptions): { signal: AbortSignal; end(): void } => {
  const over = new AbortController();
  const timer = patienceMs === undefined ? undefined : setTimeout(() => over.abort(), patienceMs);
  return { signal: over.signal, end: () => clearTimeout(timer) };
};

/** The SDK pipes a body without looking at its errors: the request would hang for ever. */
const watch = (body: Readable | undefined, broken: AbortController): void => {
  if (body === undefined) return;
  if (body.destroyed) broken.abort(body.errored ?? new Error('the body was destroyed'));
  body.once('error', (error) => broken.abort(error));
};
