/** Runs behaviours against an endpoint. */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Need } from './behaviour.ts';
import type { BucketKind, Context } from './context.ts';
import { Difference } from './difference.ts';
import type { Endpoint } from './endpoint.ts';
import type { Resources } from './resources.ts';
import type { NamedBehaviour } from './suite.ts';

export type Result = Pick<NamedBehaviour, 'group' | 'name' | 'title' | 'document'> &
  (
    | { verdict: 'same' }
    | { verdict: 'differs'; what: string; expected: unknown; found: unknown }
    /** The behaviour could not be checked, for example because the endpoint did not respond. */
    | { verdict: 'failed'; error: string }
    | { verdict: 'skipped'; why: string }
  );

export interface RunOptions {
  endpoint: Endpoint;
  resources: Resources;
  missing: Map<Need, string>;
  concurrency: number;
  signal?: AbortSignal;
  onResult?: (result: Result) => void;
}

/**
 * Runs the behaviours. The results are in the order of the behaviours. After an abort, no further behaviour
 * is started.
 */
export const runBehaviours = async (
  behaviours: readonly NamedBehaviour[],
  options: RunOptions,
): Promise<Result[]> => {
  const context = createContext(options.endpoint, options.resources);
  const results = new Map<NamedBehaviour, Result>();
  const worker = async (queue: NamedBehaviour[]): Promise<void> => {
    for (let behaviour = queue.shift(); behaviour !== undefined; behaviour = queue.shift()) {
      if (options.signal?.aborted === true) return;
      const result = await runOne(behaviour, context, options.missing);
      results.set(behaviour, result);
      options.onResult?.(result);
    }
  };
  const together = behaviours.filter(({ alone }) => !alone);
  await Promise.all(Array.from({ length: options.concurrency }, () => worker(together)));
  await worker(behaviours.filter(({ alone }) => alone));
  return behaviours.flatMap((behaviour) => results.get(behaviour) ?? []);
};

const runOne = async (
  { group, name, title, document, needs, run }: NamedBehaviour,
  context: Context,
  missing: Map<Need, string>,
): Promise<Result> => {
  const about = { group, name, title, document };
  const absent = needs.find((need) => missing.has(need));
  if (absent !== undefined)
    return { ...about, verdict: 'skipped', why: `no ${absent} there (${missing.get(absent)})` };
  try {
    await withinTime(run(context));
    return { ...about, verdict: 'same' };
  } catch (error) {
    return { ...about, ...judge(error) };
  }
};

/**
 * How long one behaviour may take. Events may take minutes. A server that never responds must not block the
 * other behaviours.
 */
const TIME_LIMIT_MS = 180_000;

const withinTime = async (work: Promise<void>): Promise<void> => {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done in ${TIME_LIMIT_MS / 1000} s`)), TIME_LIMIT_MS);
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * HTTP status of an operation that the endpoint does not implement. The behaviour is then skipped, not
 * reported as a difference.
 */
const NOT_IMPLEMENTED = 501;
const NOT_THERE = { verdict: 'skipped', why: 'not implemented there (501)' } as const;

const judge = (error: unknown) => {
  if (error instanceof Difference) {
    const { what, expected, found } = error;
    if (String(found).startsWith(`${NOT_IMPLEMENTED} `)) return NOT_THERE;
    return { verdict: 'differs', what, expected, found } as const;
  }
  const { name, message, $metadata: metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  if (metadata?.httpStatusCode === NOT_IMPLEMENTED) return NOT_THERE;
  // The endpoint returned an error for a call that succeeds in AWS.
  if (metadata?.httpStatusCode !== undefined) {
    const found = `${metadata.httpStatusCode} ${name}: ${message}`;
    return { verdict: 'differs', what: 'a call', expected: 'success', found } as const;
  }
  return {
    verdict: 'failed',
    error: error instanceof Error ? (error.stack ?? message) : String(error),
  } as const;
};

export const createContext = (endpoint: Endpoint, resources: Resources): Context => {
  const { s3, sqs, sts, dynamodb, cloudwatch, logs, region, raw, call } = endpoint;
  const shared = new Map<BucketKind, Promise<string>>();
  let accountId: Promise<string> | undefined;
  let table: Promise<string> | undefined;
  let keys = 0;
  return {
    s3,
    sqs,
    sts,
    dynamodb,
    cloudwatch,
    logs,
    region,
    raw,
    call,
    accountId: () =>
      (accountId ??= sts.send(new GetCallerIdentityCommand({})).then(({ Account = '' }) => Account)),
    bucket: (kind) => {
      const made = shared.get(kind) ?? resources.createBucket(kind);
      shared.set(kind, made);
      return made;
    },
    freshBucket: (kind) => resources.createBucket(kind),
    unusedBucketName: () => resources.bucketName(),
    key: (name = 'key') => `${String(++keys).padStart(4, '0')}-${name}`,
    queue: (options = {}) => resources.createQueue(options),
    logGroup: () => resources.createLogGroup(),
    alarmName: () => resources.alarmName(),
    table: () => (table ??= resources.createTable()),
    now: () => endpoint.now(),
    pass: async (milliseconds) => {
      if (endpoint.advance === null) await delay(milliseconds);
      else endpoint.advance(milliseconds);
    },
    put: (Bucket, Key, Body, more) =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: Buffer.byteLength(Body), ...more })),
    read: async (Bucket, Key, more) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
      return (await Body?.transformToString()) ?? '';
    },
  };
};
