/** Histories of one key at a source, replicated by two processes at once to an S3 service, while somebody watches the replica. */
import { setTimeout } from 'node:timers/promises';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type CopyObjects, createCopyObjects } from '../../src/cli/copy/copy-objects.ts';
import { openBuckets } from '../../src/lib/aws/operator.ts';
import type { Hint } from '../../src/lib/hint/hint.ts';
import type { ReplicationRule, ServiceDestination } from '../../src/lib/model/rule.ts';
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
  /** The number of the write that each side shows at the end; null: no object. */
  source: number | null;
  replica: number | null;
  failures: string[];
}

export const WRITES = 10;

export interface Course
  extends Pick<ServiceDestination, 'conditionalWrites'>, Pick<ReplicationRule, 'deletes'> {
  /** Returns numbers in [0, 1). */
  random(): number;
}

/**
 * Plays a history. With `deletes: replicate`, half of the writes are deletes. Every change is announced twice, and a process may be ended
 * at any time.
 */
export const playHistory = async (source: Side, replica: Side, course: Course): Promise<Seen> => {
  const { deletes, random } = course;
  const failures: string[] = [];
  const processes: Process[] = [];
  const start = async (): Promise<Process> => {
    const process = await startProcess(source, replica, course, failures);
    processes.push(process);
    return process;
  };
  const [first, second] = [await start(), await start()];
  const watch = watchReplica(replica);
  const states: string[] = [];
  let last: Hint | null = null;
  for (let write = 1; write <= WRITES; write++) {
    const isDelete = deletes === 'replicate' && write > 1 && random() < 0.5;
    const hint = isDelete ? await deleteAt(source, states, random()) : await writeAt(source, states, write);
    last = hint;
    for (const { objects } of [first, second]) void objects.add(hint).catch(() => undefined);
    // A process that is ended leaves its hint to be delivered again.
    if (random() < 0.1) first.end.abort();
    await setTimeout(random() * 25);
  }
  const third = await start();
  for (const { objects } of processes) await objects.drained().catch(() => undefined);
  if (last !== null) await third.objects.add(last);
  await third.objects.drained();
  const { steps, longestMs } = await watch.stop();
  return { steps, longestMs, source: await shownAt(source), replica: await shownAt(replica), failures };
};

const KEY = 'key';

/** Writes the object. `states` are the ids of its versions and markers, the newest last. */
const writeAt = async ({ client, bucket }: Side, states: string[], write: number): Promise<Hint> => {
  // No two states have the same ETag. Conditions cannot tell apart those that do, nor a delete from a key that never was.
  const Metadata = { write: String(write) };
  const at = { Bucket: bucket, Key: KEY };
  const { VersionId = '' } = await client.send(
    new PutObjectCommand({ ...at, Body: `state ${write}`, Metadata }),
  );
  states.push(VersionId);
  return hintOf(bucket, 'ObjectCreated:Put', VersionId);
};

/** Deletes the object, or only the newest of its versions and markers, so that the one before it is shown again. */
const deleteAt = async ({ client, bucket }: Side, states: string[], chance: number): Promise<Hint> => {
  const at = { Bucket: bucket, Key: KEY };
  const newest = states.length > 1 && chance < 0.5 ? states.pop() : undefined;
  const { VersionId = '' } = await client.send(new DeleteObjectCommand({ ...at, VersionId: newest }));
  if (newest !== undefined) return hintOf(bucket, 'ObjectRemoved:Delete', newest);
  states.push(VersionId);
  return hintOf(bucket, 'ObjectRemoved:DeleteMarkerCreated', VersionId);
};

const hintOf = (bucket: string, kind: string, versionId: string): Hint => ({
  bucket,
  key: KEY,
  versionId,
  sizeBytes: null,
  kind,
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
  { conditionalWrites, deletes }: Course,
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
  const rule = testRule({ tags: 'ignore', deletes, destinations: [destination] });
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
