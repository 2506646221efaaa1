/**
 * One key in the source and the destination of a run that compares attributes, and the hints that the run
 * sends about the key.
 */
import { expect } from 'vitest';
import { createCopyObjects } from '../../src/cli/copy/copy-objects.ts';
import type { Leftovers } from '../../src/lib/copy/leftovers.ts';
import { absenceIsDeletion, concernOf, type Hint } from '../../src/lib/hint/hint.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import type { Buckets, ObjectAttributes } from '../../src/lib/model/ports.ts';
import type { ReplicationRule, RoleDestination } from '../../src/lib/model/rule.ts';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import { proveBy, type Reading } from '../../src/lib/runs/compare/basis.ts';
import { proveByReading } from '../../src/lib/runs/compare/read-both.ts';
import { createCloserLook } from '../../src/lib/runs/compare/closer-look.ts';
import { createCompareConsumer } from '../../src/lib/runs/compare/compare-consumer.ts';
import type { ReportRow } from '../../src/lib/runs/report/report-data.ts';
import { COMPARE_COUNTERS, type CopyCounters } from '../../src/lib/runs/run.ts';
import type { MemoryBucket, Versioning } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { type Gate, memorySource, openGate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';
import { testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { aSpec } from './runs.ts';

export interface Setting {
  versions?: 'all' | 'latest';
  attributes?: 'listed' | 'all';
  deleteExtra?: boolean;
  versioning?: Versioning;
  rule?: Partial<ReplicationRule>;
  destination?: Partial<RoleDestination>;
  /** The encryption of the source, then that of the destination. With KMS, the ETag is no digest. */
  encryptions?: ['AES256' | 'aws:kms', 'AES256' | 'aws:kms'];
  /** Whether S3 stores a CRC of the whole object, for each side. */
  checksums?: [boolean, boolean];
  /** Which objects a run reads on both sides. */
  reading?: Reading;
}

export const DAY_MS = 86_400_000;

export const aWorld = (setting: Setting) => {
  const { versions = 'latest', versioning = 'enabled' } = setting;
  const destination = testDestination(setting.destination);
  const rule = testRule({ ...setting.rule, versions, destinations: [destination] });
  const { encryptions, checksums } = setting;
  const key = oneKey({
    rule: { ...setting.rule, versions },
    versionings: [versioning, versioning],
    ...(encryptions && { encryptions }),
    ...(checksums && { checksums }),
  });
  const calls: string[] = [];
  const scene: ComparedScene = { key, rule, destination, setting, calls };
  return {
    ...key,
    calls,
    /**
     * Compares both sides once. Returns the name of the counter that counted the key. If both sides are the
     * same, also returns the number of closer looks.
     */
    verify: async () => {
      const { counted } = await compareOnce(scene, 'checked');
      const { same, presumed, missing, different, attributes, historyShorter, extra, looks } = counted;
      const found = { same, presumed, missing, different, attributes, historyShorter, extra };
      const [name] = Object.entries(found).find(([, count]) => count === 1) ?? ['nothing'];
      return name === 'same' ? `same after ${looks} looks` : name;
    },
    /** Compares both sides once, and returns the counters that are not zero. */
    count: async () => {
      const { counted } = await compareOnce(scene, 'checked');
      const kinds = FOUND.filter((name) => counted[name] > 0);
      return Object.fromEntries(kinds.map((name) => [name, counted[name]]));
    },
    /** Compares both sides once, and returns the rows of the report as texts. */
    rows: async () => {
      const { rows } = await compareOnce(scene, 'checked');
      return rows.map(({ key: name, difference }) => `${name} ${difference}`);
    },
    /** Compares both sides once. Returns the counters, and what the report says about the key. */
    report: async () => {
      const { counted, rows } = await compareOnce(scene, 'checked');
      return { counted, listed: rows.map(({ difference }) => difference) };
    },
    /**
     * Compares both sides and replicates for each hint, as a backfill does. Returns the kinds of the hints.
     */
    repair: async () => {
      const { hints } = await compareOnce(scene, 'compared');
      for (const hint of hints)
        await key.look(openGate, {
          rule,
          destination,
          versionId: hint.versionId,
          concern: concernOf(hint),
          absenceIsDeletion: absenceIsDeletion(hint),
        });
      return hints.map(({ kind }) => kind);
    },
    /** Compares both sides and copies for each hint, as the command `copy` does. Returns the outcomes and how often each occurred. */
    copy: () => copyOnce(scene),
    replicate: () => key.look(openGate, { rule, destination }),
  };
};

const copyOnce = async (scene: ComparedScene): Promise<CopyCounters['outcomes']> => {
  const { key, rule } = scene;
  const { hints } = await compareOnce(scene, 'compared');
  const copying = createCopyObjects({
    configuration: testConfiguration(rule),
    buckets: bucketsOf(key, openGate),
    leftovers: noLeftovers,
    freshLooks: null,
    concurrency: 1,
    clock: { now: () => key.clock.nowMs, sleep: async () => undefined },
    stopped: new AbortController().signal,
    onFailure: ({ detail }) => expect.unreachable(detail),
    onDone: () => undefined,
  });
  for (const hint of hints) await copying.add(hint);
  await copying.drained();
  return copying.tally.outcomes;
};

const noLeftovers: Leftovers = {
  has: () => false,
  take: async () => null,
  keep: () => false,
};

const bucketsOf = (key: ReturnType<typeof oneKey>, gate: Gate): Buckets => ({
  source: () => memorySource(key.source, gate),
  destination: () => memoryDestination(key.replica, gate),
});

/** The counters of what was found. */
const FOUND = COMPARE_COUNTERS.filter(
  (name) => !/^(versions|bytes|keys|hints|hintBytes|looks|.*Pages)$/.test(name),
);

interface ComparedScene {
  key: ReturnType<typeof oneKey>;
  rule: ReplicationRule;
  destination: RoleDestination;
  setting: Setting;
  calls: string[];
}

const compareOnce = async (
  { key, rule, destination, setting, calls }: ComparedScene,
  listing: 'compared' | 'checked',
) => {
  const { versions = 'latest', attributes = 'all', deleteExtra = false, reading = 'none' } = setting;
  const hints: Hint[] = [];
  const rows: ReportRow[] = [];
  const spec = aSpec({ versions, attributes, deleteExtra, rule: rule.id, destination: destination.id });
  const clock = { now: () => key.clock.nowMs, sleep: async () => undefined };
  const gate = async (point: 'before' | 'after', call: string): Promise<void> => {
    if (point === 'before') calls.push(call);
  };
  const buckets = bucketsOf(key, gate);
  const scope = { rule, destination, mapping: { sourcePrefix: '', destinationPrefix: '' } };
  const consumer = createCompareConsumer({
    run: 'run',
    epoch: 1,
    spec,
    scope,
    listing,
    createdMs: key.clock.nowMs + DAY_MS,
    listDestination: listingOf(key.replica, versions),
    reading,
    look: createCloserLook(scope, spec, {
      buckets,
      clock,
      reading,
      prove:
        reading === 'none'
          ? proveBy(key.receipts)
          : proveByReading(proveBy(key.receipts), reading, { buckets, clock, budget: createBudget(1) }),
    }),
    sendHints: async (sent) => void hints.push(...sent),
    report: async (more) => void rows.push(...more),
    sleep: async () => undefined,
  });
  const after = { key: '', versionId: null };
  const { entries } = await listingOf(key.source, versions)({ prefix: '', maxKeys: 1_000, after });
  await consumer.consume({ entries, after, through: null, carry: null }, async () => undefined);
  return { counted: consumer.taken(), hints, rows };
};

const listingOf =
  (bucket: MemoryBucket, versions: 'all' | 'latest'): ListPage<ListedVersion> =>
  async () => {
    const all = (bucket.history.get('k') ?? []).toReversed().map((entry, index): ListedVersion => {
      const common = { key: 'k', versionId: versions === 'all' ? entry.id : null, isLatest: index === 0 };
      if (entry.kind === 'marker') {
        const { lastModifiedMs } = entry;
        return { ...common, kind: 'delete-marker', etag: '', sizeBytes: 0, lastModifiedMs, storageClass: '' };
      }
      const { etag, sizeBytes, lastModifiedMs, attributes } = entry.state;
      const storageClass = attributes.storageClass ?? 'STANDARD';
      return { ...common, kind: 'object', etag, sizeBytes, lastModifiedMs, storageClass };
    });
    const shown = all.filter(({ isLatest, kind }) => isLatest && kind === 'object');
    return { entries: versions === 'all' ? all : shown, next: null };
  };

export const A = Buffer.from('a');

export const setAttributes = (bucket: MemoryBucket, attributes: Partial<ObjectAttributes>): void => {
  const version = bucket.current('k');
  if (version === null) throw new Error('nothing is shown');
  const { metadata, ...headers } = attributes;
  const before = version.state.attributes;
  const merged = { ...before, ...headers, metadata: { ...before.metadata, ...metadata } };
  version.state = { ...version.state, attributes: merged };
};

/** Creates a world in which the key has been replicated once. */
export const replicatedWorld = async (setting: Setting, tags = {}) => {
  const world = aWorld(setting);
  world.source.put('k', A, { tags });
  world.clock.nowMs += 5_000;
  await world.replicate();
  return world;
};
