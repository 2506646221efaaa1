/**
 * Makes one S3 call. The call is aborted when the invocation is nearly over, or when the stream of the request's body fails. Errors of the
 * call are translated into {@link ReplicationError}.
 */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { ReplicationError, type Side } from '../../../model/errors.ts';
import type { AnswerWatch } from '../../../model/ports.ts';
import type { S3ClientPair, S3Clients } from './clients.ts';
import { translateError } from '../../errors.ts';
import { readError } from '../../read-error.ts';

/** The clients and the time limit of all calls to one bucket. */
export interface Target {
  /** Returns the clients. This function is called again for each S3 call, because the clients change when credentials are renewed. */
  pair(): S3ClientPair;
  clients: S3Clients;
  /** Aborts the call when the invocation is nearly over. */
  signal: AbortSignal;
  bucket: string;
  /** Names the bucket in error messages, for example `destination bucket replica-1`. */
  name: string;
  side: Side;
  /** Watches the calls that wait for an answer. With a watch, S3 has only a limited time to answer; null: no watch. */
  watch: ((call: Parameters<AnswerWatch['begin']>[1]) => ReturnType<AnswerWatch['begin']>) | null;
}

export interface CallOptions {
  /** The body of the request. A stream is watched for errors during the call, and destroyed after it. */
  body?: Readable | Buffer;
  /** If true, the SDK does not retry the call, because the caller retries it. The SDK never retries a call with a body. */
  single?: boolean;
  /** The signal for a cleanup that continues after the signal of the target has aborted. It replaces that signal. */
  signal?: AbortSignal;
  /** How long S3 may take to respond to a copy inside S3, milliseconds. The SDK does not retry such a call. */
  patienceMs?: number;
  /** If true, S3 may take longer than usual to answer. Only the connection's own time limit applies. */
  slow?: boolean;
  /** Called with the error before it is translated. May throw another error. */
  onError?: (error: unknown) => void;
}

/** Makes one call to S3. `send` receives the client to use and the options to pass to it. Throws {@link ReplicationError}. */
export const call = async <Output>(
  target: Target,
  operation: string,
  send: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<Output>,
  options: CallOptions = {},
): Promise<Output> => {
  const pair = target.pair();
  // All reasons to abort share one controller. Combined signals would cost more CPU and memory than all other work of a call.
  const aborting = new AbortController();
  const abort = (): void => aborting.abort();
  const limit = options.signal ?? target.signal;
  if (limit.aborted) abort();
  else limit.addEventListener('abort', abort);
  const body = Buffer.isBuffer(options.body) ? undefined : options.body;
  const wait = waitFor(target, options, abort);
  const broken = watch(body, abort);
  try {
    return await send(clientFor(pair, options), { abortSignal: aborting.signal });
  } catch (error) {
    if (broken.by !== null) {
      throw sided(
        'source',
        new ReplicationError('connection-lost', 'the source body broke off', { cause: broken.by }),
      );
    }
    const why = wait.failure();
    if (why !== null) {
      const message = `${operation} in ${target.name}: ${why}`;
      const { isAvoided } = wait;
      throw sided(
        target.side,
        new ReplicationError('no-answer', message, { cause: error, isAvoided: isAvoided() }),
      );
    }
    options.onError?.(error);
    const refused = translateError(error, `${operation} in ${target.name}`);
    const translated = (await isRotated(target, pair, refused)) ? rotated(refused) : refused;
    if (translated.reason === 'expired-credentials') target.clients.forget(pair);
    const { bucket, signal } = target;
    const asked = { ...pair, client: pair.single, bucket, signal: options.signal ?? signal };
    throw sided(target.side, await target.clients.explainRefusal(translated, asked));
  } finally {
    limit.removeEventListener('abort', abort);
    wait.end();
    // If S3 responded before the whole body was sent, the request is unfinished. Without an abort, its connection would remain in use.
    if (body?.readableEnded === false) abort();
    body?.destroy();
  }
};

/**
 * Resolves to true if the secret holds another key by now. The response to HEAD has no error code, so any 403 may mean that the key was
 * rotated.
 */
const isRotated = async (
  { clients }: Target,
  pair: S3ClientPair,
  { cause, reason }: ReplicationError,
): Promise<boolean> =>
  pair.secretArn !== null &&
  (reason === 'expired-credentials' || readError(cause).status === 403) &&
  (await clients.isRenewed(pair));

const rotated = ({ message, cause, requestId }: ReplicationError): ReplicationError =>
  new ReplicationError('expired-credentials', `${message}. The secret holds another access key by now`, {
    cause,
    requestId,
  });

const sided = (side: Side, error: ReplicationError): ReplicationError => {
  error.side ??= side;
  return error;
};

const clientFor = (pair: S3ClientPair, { body, single, patienceMs }: CallOptions): S3Client => {
  if (patienceMs !== undefined) return pair.patient();
  return body === undefined && !single ? pair.retrying : pair.single;
};

/** How long S3 may take until it answers. While a body is sent, the time limit of the connection applies instead. */
const ANSWER_MS = 10_000;
/** Minimum rate that the watch assumes when a body in memory is sent, in bytes per second. */
const SLOW_BYTES_PER_SECOND = 1024 * 1024;

interface Wait {
  /** Why the wait aborted the call; null: it did not. */
  failure(): string | null;
  /** Whether the call was aborted because the destination is avoided. Such an abort says nothing new about the destination. */
  isAvoided(): boolean;
  end(): void;
}

/** Starts a wait for the answer. Limits its time, and reports it to the watch of the target. */
const waitFor = (
  { watch: watched }: Target,
  { body, patienceMs, slow, signal }: CallOptions,
  abort: () => void,
): Wait => {
  let why: 'avoided' | 'late' | null = null;
  const abortAs = (reason: NonNullable<typeof why>): void => {
    why ??= reason;
    abort();
  };
  const limitMs = patienceMs ?? (watched === null || body !== undefined || slow ? undefined : ANSWER_MS);
  const timer = limitMs === undefined ? undefined : setTimeout(() => abortAs('late'), limitMs);
  let end = (): void => undefined;
  let isOver = false;
  const begin = (afterMs: number): void => {
    // A cleanup call has its own signal. The watch does not see it and cannot abort it.
    if (watched === null || signal !== undefined || isOver) return;
    ({ end } = watched({ afterMs, abort: () => abortAs('avoided') }));
  };
  if (body === undefined) begin(patienceMs ?? (slow ? SLOW_MS : 0));
  else if (Buffer.isBuffer(body)) begin((body.length / SLOW_BYTES_PER_SECOND) * 1_000);
  else body.once('end', () => begin(0));
  return {
    failure() {
      if (why === 'late') return 'S3 did not answer in time';
      return why === 'avoided' ? 'aborted, because the destination is avoided' : null;
    },
    isAvoided: () => why === 'avoided',
    end() {
      isOver = true;
      clearTimeout(timer);
      end();
    },
  };
};

/** How long the completion of an upload may take until the watch counts it as hanging. */
const SLOW_MS = 30_000;

/**
 * Aborts the call when its body breaks. The SDK does not listen for errors of a body, so without this abort the request would hang forever.
 */
const watch = (body: Readable | undefined, abort: () => void): { by: Error | null } => {
  const broken: { by: Error | null } = { by: null };
  const end = (error: Error): void => {
    broken.by = error;
    abort();
  };
  if (body?.destroyed) end(body.errored ?? new Error('the body was destroyed'));
  body?.once('error', end);
  return broken;
};
