/**
 * Two buckets and two deployments. Each deployment replicates one bucket into the other, and its writes are
 * events for the other deployment.
 */
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { formatHint, REPAIR } from '../../src/lib/hint/hint.ts';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { sessionName } from '../../src/lib/hint/session-name.ts';
import { createDeployment, type Deployment, type Fault } from './deployment.ts';
import { apply, fault, KEYS, type Operation, operation, side, type Side, weighted } from './history.ts';
import { createMemoryBucket, type MemoryBucket } from './memory-buckets.ts';
import type { BucketEvent } from './memory-writes.ts';
import { s3Event, testDestination, testRule } from './settings.ts';
import { signerOf } from './test-signers.ts';

type Name = 'left' | 'right';

export interface TwoWay {
  left: Side;
  right: Side;
  rules: Record<Name, Pick<ReplicationRule, 'versions' | 'deletes' | 'replicas'>>;
  /** Whether events name the writer. Events of EventBridge do not. */
  named: boolean;
  /** Whether each rule names the key of the other deployment. */
  knows: boolean;
  /**
   * The operations, turn by turn. Each turn writes on one side. The next turn starts when all events of the
   * previous one have been handled.
   */
  turns: { at: Name; operations: Operation[] }[];
  /** The run of each turn, and the kind of message that it sends for every key. A turn without an entry has no run. */
  runs: { of: Name; kind: 'hint' | 'repair'; when: 'during' | 'between' }[];
  /** For how many steps of the scheduler the user waits before each operation. */
  pauses: number[];
  repeats: boolean[];
  picks: number[];
  faults: Fault[];
  /** For how many steps of the scheduler deletes, and the listings after them, are held up. */
  stalls: number[];
}

/** Generates the settings of both sides and a history. `only` restricts them to the subject of a test. */
export const twoWay = (only: {
  replicas: ReplicationRule['replicas'][];
  versioned?: boolean;
  kinds?: Operation['kind'][];
  runs?: TwoWay['runs'][number]['when'][];
  /** Whether one key gets the same content again and again, with a run in every turn and `versions: all`. */
  contested?: boolean;
}): fc.Arbitrary<TwoWay> => {
  const { kinds = ['put', 'delete'], versioned = false, runs = [], contested = false } = only;
  const rule = fc.record({
    versions: contested
      ? fc.constant<ReplicationRule['versions']>('all')
      : fc.constantFrom<ReplicationRule['versions'][]>('all', 'latest'),
    deletes: fc.constant<ReplicationRule['deletes']>('replicate'),
    replicas: fc.constantFrom(...only.replicas),
  });
  return fc.record({
    left: side({ versioned }, ['enabled', 'enabled', 'suspended', 'unversioned']),
    right: side({ versioned }, ['enabled', 'enabled', 'suspended', 'unversioned']),
    rules: fc.record({ left: rule, right: rule }),
    named: fc.boolean(),
    knows: fc.boolean(),
    turns: fc.array(
      fc.record({
        at: fc.constantFrom<Name[]>('left', 'right'),
        operations: fc.array(contested ? again : fc.oneof(...kinds.map(ofKind)), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    runs: fc.array(
      fc.record({
        of: fc.constantFrom<Name[]>('left', 'right'),
        kind: fc.constantFrom<('hint' | 'repair')[]>('hint', 'repair'),
        when: fc.constantFrom(...(runs.length === 0 ? (['between'] as const) : runs)),
      }),
      { minLength: contested ? 4 : 0, maxLength: runs.length === 0 ? 0 : 4 },
    ),
    pauses: fc.array(fc.nat({ max: 20 }), { minLength: 12, maxLength: 12 }),
    repeats: fc.array(weighted<boolean>([3, false], [1, true]), { maxLength: 20 }),
    picks: fc.array(fc.nat({ max: 9 }), { maxLength: 30 }),
    faults: fc.array(fault, { maxLength: 60 }),
    stalls: fc.array(weighted<number>([3, 0], [1, 40]), { maxLength: contested ? 20 : 0 }),
  });
};

/** Generates operations of one kind. One key gets most of them, and the same content comes back often. */
const ofKind = (kind: Operation['kind']): fc.Arbitrary<Operation> =>
  fc
    .record({
      each: operation(fc.constantFrom('xx', 'yy')).filter((any) => any.kind === kind),
      key: weighted<string>([4, KEYS[0]], [1, KEYS[1]]),
    })
    .map(({ each, key }) => ({ ...each, key }));

/** Generates writes and deletes of the same content under one key. */
const again: fc.Arbitrary<Operation> = weighted<Operation>(
  [2, { kind: 'put', key: KEYS[0], content: 'xx', tag: null, form: 'whole' }],
  [1, { kind: 'delete', key: KEYS[0] }],
);

export interface TwoWayWorld {
  left: MemoryBucket;
  right: MemoryBucket;
  deployments: Deployment[];
  undelivered: QueueMessage[];
  /** The last operation of a user on each key, and the side at which it was made. */
  last: Map<string, { at: Name; kind: Operation['kind']; mark: string }>;
}

/** Maximum rounds in which both sides react to each other after a turn. Each fault costs at most one round. */
const MAX_ROUNDS = 100;

export const playTwoWay = async (given: TwoWay, scheduler: fc.Scheduler): Promise<TwoWayWorld> => {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs, sleep: async () => undefined };
  const pass = (ms: number): void => void (nowMs += ms);
  const checksums = [given.left, given.right].some(({ encryption }) => encryption === 'aws:kms');
  const bucket = ({ versioning, encryption }: Side): MemoryBucket =>
    createMemoryBucket(versioning, clock.now, { encryption, checksums });
  const buckets = { left: bucket(given.left), right: bucket(given.right) };
  const deployments = createBoth(given, { buckets, clock, scheduler });
  const both = Object.values(deployments);
  const last: TwoWayWorld['last'] = new Map();
  const pauses = [...given.pauses];
  let undelivered: QueueMessage[] = [];
  for (const [index, { at, operations }] of given.turns.entries()) {
    const run = given.runs[index];
    const hints = (run === undefined ? [] : KEYS).map((key) => runHint(key, run!, index));
    const deliverHints = async (): Promise<void> => {
      for (const hint of hints) {
        await scheduler.schedule(Promise.resolve(), 'run');
        deployments[run!.of].deliver(hint);
      }
      await deployments[run!.of].run();
    };
    const user = { isDone: false };
    const writes = async (): Promise<void> => {
      for (const [step, each] of operations.entries()) {
        // Bodies are streams, which need turns of the event loop. Without these turns the user is always faster.
        for (let pause = pauses.shift() ?? 0; pause >= 0; pause--)
          await scheduler.schedule(setImmediate(), at);
        pass(400);
        if (!canHappen(given, each)) continue;
        const mark = `${index}.${step}`;
        const event = apply(buckets[at], each, mark);
        if (event === null) continue;
        if (each.kind === 'put' || each.kind === 'delete') last.set(each.key, { at, kind: each.kind, mark });
        deployments[at].happened(event, 'AWS:AIDAEXAMPLE');
      }
      user.isDone = true;
    };
    const work = async (each: Deployment): Promise<void> => {
      do await each.run();
      while (!user.isDone);
    };
    const during = run?.when === 'during' ? [deliverHints()] : [];
    await scheduler.waitFor(Promise.all([writes(), ...during, ...both.map(work)]));
    undelivered = await settleBoth(both, scheduler, pass);
    if (run?.when === 'between') {
      await scheduler.waitFor(deliverHints());
      undelivered = await settleBoth(both, scheduler, pass);
    }
    pass(5_000);
  }
  return { ...buckets, deployments: both, undelivered, last };
};

interface Both {
  buckets: Record<Name, MemoryBucket>;
  clock: { now(): number; sleep(): Promise<undefined> };
  scheduler: fc.Scheduler;
}

type Replicating = Deployment & { happened(event: BucketEvent, by: string): void };

/** Creates the deployment of each side. A write of one side is an event for the other. */
const createBoth = (given: TwoWay, { buckets, clock, scheduler }: Both): Record<Name, Replicating> => {
  const repeats = [...given.repeats];
  let sequencer = 0;
  const from = (at: Name, to: Name): Replicating => {
    const deployment = createDeployment({
      rules: [
        testRule({
          ...given.rules[at],
          source: {
            ...testRule().source,
            bucket: at,
            replicators: given.knows ? [signerOf(to).publicKey] : [],
          },
          destinations: [testDestination({ id: to, bucket: to })],
        }),
      ],
      buckets,
      clock,
      scheduler,
      picks: given.picks,
      signer: signerOf(at),
      faults: given.faults,
      stalls: given.stalls,
      tell: (_bucket, event) => both[to].happened(event, principalOf(at)),
    });
    const happened = (event: BucketEvent, by: string): void => {
      const body = s3Event({
        bucket: at,
        sequencer: String(sequencer++),
        principalId: given.named ? by : null,
        ...event,
      });
      deployment.deliver(body);
      if (repeats.shift() ?? false) deployment.deliver(body);
    };
    return { ...deployment, happened };
  };
  const both: Record<Name, Replicating> = { left: from('left', 'right'), right: from('right', 'left') };
  return both;
};

/** Returns the hint that a backfill, or a verify that repairs, sends for a key. */
const runHint = (key: string, { of, kind }: TwoWay['runs'][number], index: number): string =>
  formatHint({
    bucket: of,
    key,
    versionId: null,
    sizeBytes: null,
    kind: kind === 'repair' ? REPAIR : 'hint',
    identity: `run-${index}/1`,
    principalId: null,
    rule: 'rule',
    destination: null,
    run: null,
  });

/** Returns whether two-way replication can carry an operation to the other side. */
const canHappen = ({ named, left, right }: TwoWay, { kind }: Operation): boolean =>
  // Changed tags of a replica are replicated to its origin only if the event names the writer and the version.
  kind !== 'tag' || (named && left.versioning === 'enabled' && right.versioning === 'enabled');

/**
 * Lets both sides react to each other. Time passes only if all messages wait for a side to put back what it may have hidden by
 * mistake. Returns the messages that are left after the last round.
 */
const settleBoth = async (
  both: Deployment[],
  scheduler: fc.Scheduler,
  pass: (ms: number) => void,
): Promise<QueueMessage[]> => {
  for (let round = 0; round < MAX_ROUNDS && both.some((each) => each.waiting().length > 0); round++) {
    if (both.flatMap((each) => each.waiting()).every(({ retry }) => retry?.reason === 'key-busy'))
      pass(120_000);
    for (const each of both) each.retry();
    await scheduler.waitFor(Promise.all(both.map((each) => each.run())));
  }
  return both.flatMap((each) => each.waiting());
};

/** Returns the current version of a key, with every attribute that is replicated. */
export const shows = (bucket: MemoryBucket, key: string) => {
  const current = bucket.current(key);
  if (current === null) return null;
  const { bytes, tags, state } = current;
  return { content: bytes.toString(), write: state.attributes.metadata['write'], tags };
};

const principalOf = (at: string): string => `AWS:AROAEXAMPLE:${sessionName(`from-${at}`, 'eu-central-1')}`;
