/**
 * What a dry run announces is what the next hint does. Every history of `tests/model/history.ts` is played, with its faults and crashes.
 * Before invocations the world is copied twice. On one copy the hint is only tried (a dry run), which must change nothing. On the other
 * copy the hint is processed.
 *
 * To check the test, the dry run was broken in four ways, and the test failed each time: an existing key was treated as new, the dry run
 * really called `putTags`, the brake did not count the delete that it was asked about, and the dry run did not check whether an archived
 * version can be read.
 */
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { assign, taskOf } from '../../src/lib/hint/route.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { answersOf, type ServiceAnswers } from '../../src/lib/model/service-answers.ts';
import type { Task } from '../../src/lib/model/task.ts';
import { copyOfBucket } from '../model/bucket-copies.ts';
import { type Sides, tryBoth } from '../model/dry-and-real.ts';
import { apply, history, KEYS, operation, weighted } from '../model/history.ts';
import type { MemoryBucket, Version } from '../model/memory-buckets.ts';
import { play } from '../model/replication-world.ts';
import { propertyRuns, SEED } from '../model/seed.ts';
import { s3Event, testConfiguration, testRule } from '../model/settings.ts';

/** Each run compares up to twenty copies of its world, so more runs would exceed the time of a test. */
const RUNS = Math.min(600, propertyRuns(55));

/** Maximum number of copies of one history. */
const MAX_COPIES = 15;

/** How a copy differs from the world of the history from which it is made. */
interface Variant {
  copy: 'stream' | 'server-side';
  /** How many deletes and overwrites the brake lets pass; null: the rule has none. */
  brake: number | null;
  restores: boolean;
  /** The version that nobody can read. `age` is the number of newer versions, and `how` is the reason; null: all can be read. */
  seal: { age: number; how: NonNullable<Version['sealed']> } | null;
  /** Whether objects without a certain tag are left out. */
  filters: boolean;
  /** Whether larger objects, or those with a certain tag, are excluded. */
  excludes: 'nothing' | 'size' | 'tag';
  announce: ReplicationRule['announce'];
  /** The service of the destination. `blind` checks no conditions, and the rule accepts that; `unasked` was never probed. */
  service: 'aws' | 'blind' | 'unasked' | 'unfit';
}

const variant: fc.Arbitrary<Variant> = fc.record({
  copy: fc.constantFrom('stream', 'server-side'),
  brake: weighted<number | null>([2, null], [1, 0], [1, 1]),
  restores: weighted<boolean>([1, true], [1, false]),
  seal: fc.option(
    fc.record({
      age: fc.nat({ max: 2 }),
      how: fc.constantFrom('archived', 'archived', 'sse-c', 'access-denied', 'kms'),
    }),
    { freq: 2 },
  ),
  filters: weighted<boolean>([3, false], [1, true]),
  excludes: weighted<Variant['excludes']>([6, 'nothing'], [1, 'size'], [1, 'tag']),
  announce: fc.constantFrom('none', 'eventbridge'),
  service: weighted<Variant['service']>([10, 'aws'], [2, 'blind'], [1, 'unasked'], [1, 'unfit']),
});

const exclusionsOf = (excludes: Variant['excludes']): ReplicationRule['exclude'] =>
  excludes === 'nothing'
    ? []
    : [
        {
          prefix: '',
          suffix: '',
          maximumBytes: null,
          tags: excludes === 'tag' ? { colour: 'red' } : {},
          minimumBytes: excludes === 'size' ? 2 : null,
        },
      ];

const atService = (
  destinations: ReplicationRule['destinations'],
  service: Variant['service'],
): ReplicationRule['destinations'] =>
  service === 'aws'
    ? destinations
    : destinations.map((each) => ({
        ...each,
        roleArn: null,
        externalId: null,
        service: { endpoint: 'https://s3.example.com', addressing: 'path', secretArn: SECRET },
        conditionalWrites: service === 'blind' ? 'none' : 'required',
      }));

const SECRET = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:other-abcdef';

const ruleOf = (
  rule: Partial<ReplicationRule>,
  { copy, brake, restores, filters, excludes, announce, service }: Variant,
): ReplicationRule => {
  const made = testRule({
    ...rule,
    announce,
    exclude: exclusionsOf(excludes),
    copy,
    restore: restores ? { days: 1, tier: 'Bulk' } : null,
    filter: { tags: filters ? { colour: 'red' } : {}, minimumBytes: null, maximumBytes: null },
    brake:
      brake === null
        ? null
        : { windowMinutes: 60, deletes: brake, deletesPercent: 100, expirations: brake, overwrites: brake },
  });
  return { ...made, destinations: atService(made.destinations, service) };
};

/** Seals the version of this age in each key. An archived version gets a storage class, because S3 shows it. */
const sealAll = (source: MemoryBucket, { age, how }: NonNullable<Variant['seal']>): void => {
  for (const key of KEYS) {
    source.seal(key, age, how);
    const version = source.history.get(key)?.at(-1 - age);
    if (version?.kind !== 'version' || how !== 'archived') continue;
    const attributes = { ...version.state.attributes, storageClass: 'GLACIER' };
    version.state = { ...version.state, attributes };
  }
};

/** What a probe of the service found out. */
const serviceOf = (service: Variant['service']): ServiceAnswers | null => {
  if (service === 'aws' || service === 'unasked') return null;
  const answers = answersOf((question) => (service === 'unfit' && question === 'replaces' ? 'no' : 'yes'));
  return { answers, isVersioned: true, askedMs: 0, left: [] };
};

interface Copy extends Sides {
  /** The bodies of the messages of the invocation. */
  bodies: string[];
}

const tasksOf = (bodies: string[], rule: ReplicationRule): Task[] =>
  bodies.flatMap((body) =>
    parseMessage(body).flatMap((parsed) =>
      parsed.kind === 'hint' ? assign(testConfiguration(rule), parsed.hint).map(taskOf) : [],
    ),
  );

/** Histories of any kind, and those whose deletes and attributes really reach the replica. */
const HISTORIES = [
  history(fc.constantFrom('x', 'y', 'zz')),
  history(fc.uuid(), { rule: { stamp: true, deletes: 'replicate' }, versioned: true, kms: false }),
];

/** Operations on the source after everything was replicated. */
const LATER = fc.array(operation(fc.constantFrom('x', 'later')), { minLength: 3, maxLength: 3 });

test(`what a dry run announces is what the next hint does, in every state that histories reach (seed ${SEED}, ${RUNS} runs of each kind)`, async () => {
  const announcements = new Map<string, number>();
  const tryCopies = async (
    copies: Copy[],
    rule: Partial<ReplicationRule>,
    differing: Variant,
  ): Promise<void> => {
    for (const copy of copies) {
      if (differing.seal !== null) sealAll(copy.source, differing.seal);
      for (const task of tasksOf(copy.bodies, ruleOf(rule, differing)))
        for (const said of await tryBoth(task, { ...copy, service: serviceOf(differing.service) }))
          announcements.set(said, (announcements.get(said) ?? 0) + 1);
      await setImmediate();
    }
  };
  for (const given of HISTORIES)
    await fc.assert(
      fc.asyncProperty(given, variant, LATER, fc.scheduler(), async (each, differing, later, scheduler) => {
        const copies: Copy[] = [];
        const keep = ({ source, replica }: Pick<Copy, 'source' | 'replica'>, bodies: string[]): void =>
          void copies.push({ source: copyOfBucket(source), replica: copyOfBucket(replica), bodies });
        const world = await play(each, scheduler, (buckets, batch) => {
          if (copies.length < MAX_COPIES)
            keep(
              buckets,
              batch.map(({ body }) => body),
            );
        });
        for (const change of later) {
          const event = apply(world.source, change, 'later');
          if (event !== null) keep(world, [s3Event(event)]);
        }
        // Other services show the MD5 of a body as its ETag. If the ETag is no MD5, and there is no checksum, nothing proves a replica.
        const isPlain = ![each.source, each.destination].some(({ encryption }) => encryption === 'aws:kms');
        await tryCopies(copies, each.rule, isPlain ? differing : { ...differing, service: 'aws' });
      }),
      { numRuns: RUNS, seed: SEED },
    );
  // The histories must reach at least these outcomes, or the comparison would prove little.
  const calls = ['PutObject', 'CopyObject', 'CreateMultipartUpload', 'DeleteObject'];
  const ends = ['unchanged', 'source-gone', 'not-ours', 'held', 'filtered', 'passed over'];
  const failures = ['fails: archived', 'fails: sse-c', 'fails: kms', 'RestoreObject'];
  const services = [
    'fails: unasked-service',
    'fails: unfit-service',
    'excluded',
    'announced',
    'written blindly',
  ];
  expect([...announcements.keys()]).toEqual(
    expect.arrayContaining([...calls, ...ends, ...failures, ...services]),
  );
  expect([...announcements.keys()].join(' ')).toMatch(/PutObject(Tagging|Acl|Retention|LegalHold)/);
});
