/**
 * Two buckets and two deployments. Each deployment replicates one bucket into the other, and its writes are
 * events for the other deployment.
 */
import fc from 'fast-check';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { sessionName } from '../../src/lib/hint/session-name.ts';
import { createDeployment, type Deployment, type Fault } from './deployment.ts';
import { apply, fault, type Operation, operation, side, type Side, weighted } from './history.ts';
import { createMemoryBucket, type MemoryBucket } from './memory-buckets.ts';
import type { BucketEvent } from './memory-writes.ts';
import { s3Event, testDestination, testRule } from './settings.ts';

type Name = 'left' | 'right';

export interface TwoWay {
  left: Side;
  right: Side;
  rule: Pick<ReplicationRule, 'versions' | 'deletes'>;
  /** Whether events name the writer. Events of EventBridge do not. */
  named: boolean;
  /**
   * The operations, turn by turn. Each turn writes on one side. The next turn starts when all events of the
   * previous one have been handled.
   */
  turns: { at: Name; operations: Operation[] }[];
  repeats: boolean[];
  picks: number[];
  faults: Fault[];
}

export const twoWay: fc.Arbitrary<TwoWay> = fc.record({
  left: side({}, ['enabled', 'enabled', 'suspended', 'unversioned']),
  right: side({}, ['enabled', 'enabled', 'suspended', 'unversioned']),
  rule: fc.record({ versions: fc.constantFrom('all', 'latest'), deletes: fc.constant('replicate') }),
  named: fc.boolean(),
  turns: fc.array(
    fc.record({
      at: fc.constantFrom('left', 'right'),
      operations: fc.array(
        operation(fc.constantFrom('xx', 'yy', 'zz')).filter(
          ({ kind }) => kind === 'put' || kind === 'delete',
        ),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  repeats: fc.array(weighted<boolean>([3, false], [1, true]), { maxLength: 20 }),
  picks: fc.array(fc.nat({ max: 9 }), { maxLength: 30 }),
  faults: fc.array(fault, { maxLength: 60 }),
});

export interface TwoWayWorld {
  left: MemoryBucket;
  right: MemoryBucket;
  deployments: Deployment[];
  undelivered: QueueMessage[];
}

/** Maximum rounds in which both sides react to each other after a turn. */
const MAX_ROUNDS = 12;

export const playTwoWay = async (
  given: TwoWay,
  replicas: ReplicationRule['replicas'],
  scheduler: fc.Scheduler,
): Promise<TwoWayWorld> => {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const checksums = [given.left, given.right].some(({ encryption }) => encryption === 'aws:kms');
  const bucket = ({ versioning, encryption }: Side): MemoryBucket =>
    createMemoryBucket(versioning, clock.now, { encryption, checksums });
  const buckets = { left: bucket(given.left), right: bucket(given.right) };
  const repeats = [...given.repeats];
  let sequencer = 0;
  const happened = (at: Name, event: BucketEvent, by: string): void => {
    const body = s3Event({
      bucket: at,
      sequencer: String(sequencer++),
      principalId: given.named ? by : null,
      ...event,
    });
    deployments[at].deliver(body);
    if (repeats.shift() ?? false) deployments[at].deliver(body);
  };
  const from = (at: Name, to: Name): Deployment =>
    createDeployment({
      rules: [
        testRule({
          ...given.rule,
          replicas,
          source: { ...testRule().source, bucket: at },
          destinations: [testDestination({ id: to, bucket: to })],
        }),
      ],
      buckets,
      clock,
      scheduler,
      picks: given.picks,
      faults: given.faults,
      tell: (_bucket, event) => happened(to, event, principalOf(at)),
    });
  const deployments = { left: from('left', 'right'), right: from('right', 'left') };
  const both = Object.values(deployments);
  const canHappen = plausible(given, buckets);
  let undelivered: QueueMessage[] = [];
  for (const [index, { at, operations }] of given.turns.entries()) {
    const writes = (async () => {
      for (const [step, each] of operations.entries()) {
        await scheduler.schedule(Promise.resolve(), at);
        nowMs += 400;
        if (!canHappen(each)) continue;
        const event = apply(buckets[at], each, `${index}.${step}`);
        if (event !== null) happened(at, event, 'AWS:AIDAEXAMPLE');
      }
    })();
    await scheduler.waitFor(Promise.all([writes, ...both.map((each) => each.run())]));
    undelivered = await settleBoth(both);
    nowMs += 5_000;
  }
  return { ...buckets, deployments: both, undelivered };
};

/** Returns whether two-way replication can carry an operation to the other side. */
const plausible = ({ named }: TwoWay, buckets: Record<Name, MemoryBucket>) => {
  const versionings = Object.values(buckets).map(({ versioning }) => versioning);
  return ({ kind }: Operation): boolean => {
    // Without versioning a delete is permanent. The replicator deletes only replicas, and never an object
    // that was originally written on the other side.
    if (kind === 'delete') return !versionings.includes('unversioned');
    // Changed tags of a replica are replicated to its origin only if the event names the writer and the
    // version.
    if (kind === 'tag') return named && versionings.every((each) => each === 'enabled');
    return true;
  };
};

/** Lets both sides react to each other. Returns the messages that are left after the last round. */
const settleBoth = async (both: Deployment[]): Promise<QueueMessage[]> => {
  let undelivered: QueueMessage[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    undelivered = [];
    for (const each of both) undelivered.push(...(await each.settle()));
  }
  return [...undelivered, ...both.flatMap((each) => each.waiting())];
};

/** Returns the current version of a key, with every attribute that is replicated. */
export const shows = (bucket: MemoryBucket, key: string) => {
  const current = bucket.current(key);
  if (current === null) return null;
  const { bytes, tags, state } = current;
  return { content: bytes.toString(), write: state.attributes.metadata['write'], tags };
};

const principalOf = (at: string): string => `AWS:AROAEXAMPLE:${sessionName(`from-${at}`, 'eu-central-1')}`;
