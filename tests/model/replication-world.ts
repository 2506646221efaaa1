/**
 * A source and a destination, with a queue between them that duplicates, reorders, delays and drops events. A
 * seeded scheduler interleaves the calls of several functions.
 */
import { setImmediate } from 'node:timers/promises';
import type { Scheduler } from 'fast-check';
import { REPAIR } from '../../src/lib/hint/hint.ts';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { apply, type History, KEYS, type Operation } from './history.ts';
import { createMemoryBucket, type MemoryBucket, type Version } from './memory-buckets.ts';
import { s3Event, testRule } from './settings.ts';

export interface World {
  given: History;
  source: MemoryBucket;
  replica: MemoryBucket;
  /** Every version that the source has ever had, by key, oldest first. */
  written: Map<string, Version[]>;
  undelivered: QueueMessage[];
  deployment: Deployment;
}

/** Called before each invocation of a function, with the state that a test may observe. */
export type Observe = (buckets: Pick<World, 'source' | 'replica'>, batch: QueueMessage[]) => void;

/** Plays a history until every message is acknowledged or quarantined. */
export const play = async (given: History, scheduler: Scheduler, observe?: Observe): Promise<World> => {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const checksums = given.source.encryption === 'aws:kms' || given.destination.encryption === 'aws:kms';
  const bucket = ({ versioning, encryption }: History['source']): MemoryBucket =>
    createMemoryBucket(versioning, clock.now, { encryption, checksums });
  const source = bucket(given.source);
  const replica = bucket(given.destination);
  for (const taken of given.foreign) replica.put(taken, Buffer.from('somebody else'));
  const { faults, stalls, picks, shortOfTime, overtaken, batchSize } = given;
  const deployment = createDeployment({
    rules: [testRule(given.rule)],
    buckets: { source, replica },
    clock,
    scheduler,
    faults,
    ...(stalls === undefined ? {} : { stalls }),
    picks,
    shortOfTime,
    overtaken,
    batchSize,
    observe: (batch) => observe?.({ source, replica }, batch),
  });

  const written: World['written'] = new Map(KEYS.map((each) => [each, []]));
  const dropped: string[] = [];
  const user = { isDone: false };
  const events = (async () => {
    for (const [index, each] of given.operations.entries()) {
      // Bodies are streams, which need turns of the event loop. Without these turns the source is always faster.
      const steps = each.kind === 'copy-back' ? RESTED : (given.pauses[index] ?? 0);
      for (let pause = steps; pause >= 0; pause--) await scheduler.schedule(setImmediate(), 'source');
      nowMs += given.paceMs;
      disturb(replica, each);
      const event = apply(source, each, String(index));
      if (event === null) continue;
      if (each.kind === 'put') written.get(each.key)?.push(source.versions(each.key).at(-1)!);
      if (!isSubscribed(given, event.name)) continue;
      const body = s3Event({ sequencer: String(index), ...event });
      for (let copy = 0; copy <= (given.repeats[index] ?? 0); copy++) {
        if (given.drops[index] && copy === 0) dropped.push(body);
        else deployment.deliver(body);
      }
    }
    user.isDone = true;
  })();
  const lambda = async (): Promise<void> => {
    do await deployment.run();
    while (!user.isDone);
    deployment.retry();
    await deployment.run();
  };
  await scheduler.waitFor(Promise.all([events, lambda(), lambda(), lambda()]));
  if (given.clearReceipts) deployment.receipts.clear();
  for (const body of dropped) deployment.deliver(body);
  let undelivered = await deployment.settle();
  if (given.operations.some(({ kind }) => kind === 'copy-back' || kind === 'seal-there')) {
    // S3 sends no event at the source about a change at the destination. A verify with repair finds such a change.
    for (const key of KEYS) deployment.deliver(s3Event({ key, name: REPAIR, sequencer: 'repair' }));
    undelivered = await deployment.settle();
  }
  return { given, source, replica, written, undelivered, deployment };
};

/** For how many steps of the scheduler earlier writes are replicated, so that an old replica exists that can be copied back. */
const RESTED = 40;

/** Applies an operation of somebody else at the destination. */
const disturb = (replica: MemoryBucket, each: Operation): void => {
  if (each.kind === 'copy-back') copyBack(replica, each.key, each.age);
  if (each.kind !== 'seal-there') return;
  replica.put(each.key, Buffer.from('sealed'));
  replica.seal(each.key, 0, 'sse-c');
};

/** Copies the version with this age, with its metadata, over the newest version of the key. */
const copyBack = (replica: MemoryBucket, key: string, age: number): void => {
  const version = replica.versions(key).at(-1 - age);
  if (version === undefined) return;
  const { bytes, parts, tags, state } = version;
  replica.put(key, parts.length > 1 ? parts : bytes, { attributes: state.attributes, tags });
};

const isSubscribed = ({ rule }: History, name: string): boolean =>
  (rule.deletes === 'replicate' || !name.startsWith('ObjectRemoved')) &&
  (rule.acl === 'replicate' || !name.startsWith('ObjectAcl'));
