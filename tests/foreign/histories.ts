/** Histories of one key at a source, replicated by two processes at once to an S3 service, while somebody watches the replica. */
import { setTimeout } from 'node:timers/promises';
import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type CopyObjects, createCopyObjects } from '../../src/cli/copy/copy-objects.ts';
import { openBuckets } from '../../src/lib/aws/operator.ts';
import type { ServiceDestination } from '../../src/lib/model/rule.ts';
import { testDestination, testRule } from '../model/settings.ts';

export interface Side {
  client: S3Client;
  bucket: string;
  endpoint: string;
  profile: string;
}

export interface Seen {
  /** How often an older state was visible after a newer one. */
  steps: number;
  /** How long the longest of these states was visible, in milliseconds. */
  longestMs: number;
  /** The number of the write that the replica shows at the end; null: no object. */
  replica: number | null;
  failures: string[];
}

export const WRITES = 10;

/** `random` returns numbers in [0, 1). Every write is announced twice, and a process may be ended at any time. */
export const playHistory = async (
  source: Side,
  replica: Side,
  { conditionalWrites, random }: Pick<ServiceDestination, 'conditionalWrites'> & { random: () => number },
): Promise<Seen> => {
  const failures: string[] = [];
  const processes: Process[] = [];
  const start = async (): Promise<Process> => {
    const process = await startProcess(source, replica, conditionalWrites, failures);
    processes.push(process);
    return process;
  };
  const [first, second] = [await start(), await start()];
  const watch = watchReplica(replica);
  for (let write = 1; write <= WRITES; write++) {
    // No two states have the same ETag. Conditions cannot tell apart those that do, nor a delete from a key that never was.
    const Metadata = { write: String(write) };
    const at = { Bucket: source.bucket, Key: KEY };
    await source.client.send(new PutObjectCommand({ ...at, Body: `state ${write}`, Metadata }));
    for (const { objects } of [first, second]) void objects.add(HINT(source.bucket)).catch(() => undefined);
    // A process that is ended leaves its hint to be delivered again.
    if (random() < 0.1) first.end.abort();
    await setTimeout(random() * 25);
  }
  const third = await start();
  for (const { objects } of processes) await objects.drained().catch(() => undefined);
  await third.objects.add(HINT(source.bucket));
  await third.objects.drained();
  const { steps, longestMs } = await watch.stop();
  return { steps, longestMs, replica: await shownAt(replica), failures };
};

const KEY = 'key';

const HINT = (bucket: string) => ({
  bucket,
  key: KEY,
  versionId: null,
  sizeBytes: null,
  kind: 'ObjectCreated:Put',
  identity: null,
  principalId: null,
  rule: null,
  destination: null,
  run: null,
});

interface Process {
  objects: CopyObjects;
  end: AbortController;
}

const startProcess = async (
  source: Side,
  replica: Side,
  conditionalWrites: ServiceDestination['conditionalWrites'],
  failures: string[],
): Promise<Process> => {
  const end = new AbortController();
  const access = ({ endpoint, profile, bucket }: Side) => ({
    endpoint,
    profile,
    bucket,
    region: 'us-east-1',
    roleArn: null,
    externalId: null,
    owner: null,
  });
  const opened = await openBuckets({
    region: 'us-east-1',
    source: access(source),
    destination: access(replica),
    signal: end.signal,
  });
  const destination: ServiceDestination = {
    ...testDestination({ bucket: replica.bucket, region: 'us-east-1' }),
    roleArn: null,
    externalId: null,
    account: null,
    service: { endpoint: replica.endpoint, addressing: 'path', secretArn: '' },
    conditionalWrites,
  };
  const rule = testRule({ tags: 'ignore', destinations: [destination] });
  const objects = createCopyObjects({
    configuration: { name: 'test', rules: [{ ...rule, source: { ...rule.source, bucket: source.bucket } }] },
    buckets: opened.buckets,
    leftovers: { has: () => false, take: async () => null, keep: () => false },
    freshLooks: null,
    concurrency: 8,
    // Pauses before another try are shorter than for people.
    clock: { now: () => Date.now(), sleep: (ms) => setTimeout(ms / 20) },
    stopped: end.signal,
    onFailure: ({ detail }) => failures.push(detail),
    onDone: () => undefined,
  });
  return { objects, end };
};

const shownAt = async ({ client, bucket }: Side): Promise<number | null> => {
  try {
    const { Metadata: metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: KEY }));
    return Number(metadata?.['write']);
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFound') return null;
    throw error;
  }
};

const watchReplica = (replica: Side) => {
  const over = new AbortController();
  const watching = async (): Promise<Pick<Seen, 'longestMs' | 'steps'>> => {
    const seen = { steps: 0, longestMs: 0 };
    let [newest, sinceMs]: [number, number | null] = [0, null];
    while (!over.signal.aborted) {
      const now = await shownAt(replica).catch(() => null);
      const isOlder = now !== null && now < newest;
      if (isOlder && sinceMs === null) [seen.steps, sinceMs] = [seen.steps + 1, performance.now()];
      if (isOlder && sinceMs !== null) seen.longestMs = Math.max(seen.longestMs, performance.now() - sinceMs);
      if (!isOlder) [newest, sinceMs] = [Math.max(newest, now ?? 0), null];
      await setTimeout(1);
    }
    return seen;
  };
  const result = watching();
  return {
    stop: async () => {
      over.abort();
      return await result;
    },
  };
};
