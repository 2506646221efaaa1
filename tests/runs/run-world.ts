/**
 * Two buckets, the queues and the functions of a run, in one process and on one clock. Messages come in any order and more than once;
 * an invocation may die before or after any call it makes.
 */
import { createHash } from 'node:crypto';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Hint } from '../../src/lib/hint/hint.ts';
import { compareKeys } from '../../src/lib/listing/key-order.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import type { RunDeps, RunMessage } from '../../src/lib/runs/ports.ts';
import type { ReportRow, RunReport } from '../../src/lib/runs/report/report-data.ts';
import { startRun } from '../../src/lib/runs/control.ts';
import { isActive, type RunSpec } from '../../src/lib/runs/run.ts';
import { workOnMessage } from '../../src/lib/runs/messages.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { createMemoryRunStore } from '../model/memory-run-store.ts';
import { sideBuckets } from './side-buckets.ts';
import { testConfiguration, testRule } from '../model/settings.ts';

export const NOW = Date.parse('2026-11-22T12:00:00Z');

/** Versions of each key, newest first, as `name:bytes`; a delete marker is `-`. */
export type Histories = Record<string, string[]>;

export interface WorldOptions {
  source: Histories;
  replica: Histories;
  rule?: Partial<ReplicationRule>;
  pageSize?: number;
  listingConcurrency?: number;
  /** Asked before and after each call: dies there where it says so. */
  diesAt?: () => boolean;
  /** In [0, 1). */
  random?: () => number;
}

class Died extends Error {}

export const createWorld = (options: WorldOptions) => {
  const { source, replica, pageSize = 3, listingConcurrency = 4, diesAt = () => false } = options;
  const random = options.random ?? Math.random;
  let nowMs = NOW;
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const store = createMemoryRunStore(clock.now);
  const messages: { message: RunMessage; atMs: number }[] = [];
  const hints: Hint[] = [];
  const announced: string[] = [];
  const reports: RunReport[] = [];
  const files = new Map<string, ReportRow[]>();
  const requests: { pages: number; onPage: ((pages: number) => Promise<void>) | null } = {
    pages: 0,
    onPage: null,
  };
  const moving = { objects: 0 };
  const broken = { source: null as ReplicationError | null };
  const rule = testRule({
    versions: 'all',
    filter: { tags: {}, minimumBytes: null, maximumBytes: null },
    ...options.rule,
  });
  const destination = rule.destinations[0];
  if (destination === undefined) throw new Error('the rule has no destination');

  const deps = (): RunDeps => {
    let isDead = false;
    const point = (): void => {
      if (isDead || diesAt()) {
        isDead = true;
        throw new Died('the invocation died');
      }
    };
    const mortal = <T extends object>(port: T): T => {
      const wrap = (value: unknown): unknown =>
        typeof value === 'function'
          ? async (...args: unknown[]): Promise<unknown> => {
              point();
              const answer: unknown = await value(...args);
              point();
              return answer;
            }
          : value;
      return Object.fromEntries(Object.entries(port).map(([name, value]) => [name, wrap(value)])) as T;
    };
    return {
      stack: 'test-prod',
      configuration: testConfiguration(rule),
      store: mortal(store),
      queues: mortal({
        send: async (sent: readonly RunMessage[], delaySeconds = 0) =>
          void messages.push(...sent.map((message) => ({ message, atMs: nowMs + delaySeconds * 1_000 }))),
        sendHints: async (sent: readonly Hint[]) => void hints.push(...sent),
        hintsLeft: async () => hints.length,
      }),
      moving: { count: async () => moving.objects },
      listings: {
        source: () =>
          listingOf(
            () => source,
            pageSize,
            requests,
            () => broken.source,
          ),
        destination: () =>
          listingOf(
            () => replica,
            pageSize,
            requests,
            () => null,
          ),
      },
      buckets: sideBuckets(
        () => entriesOf(source),
        () => entriesOf(replica),
      ),
      files: {
        bucket: 'reports',
        differences: (run, name) => {
          const rows: ReportRow[] = [];
          return {
            write: async (more) => void rows.push(...more),
            async close() {
              point();
              files.set(`${run}/${name}`, rows);
              return { key: `${run}/${name}`, rows: rows.length };
            },
            abort: async () => undefined,
          };
        },
        report: async (report) => void reports.push(report),
      },
      topic: mortal({ announce: async ({ id }: { id: string }) => void announced.push(id) }),
      clock,
      random,
      deadlineMs: nowMs + 870_000,
      listingConcurrency,
    };
  };

  /** Takes one message that is due, in no order. False: none is. */
  const deliver = async (): Promise<boolean> => {
    const due = messages.filter(({ atMs }) => atMs <= nowMs);
    const taken = due[Math.floor(random() * due.length)];
    if (taken === undefined) return false;
    try {
      await workOnMessage(taken.message, 1, deps());
    } catch {
      // Given back, or it died: in both cases it comes again.
      taken.atMs = nowMs + 960_000;
      return true;
    }
    // SQS delivers some of them again.
    if (random() < 0.9) messages.splice(messages.indexOf(taken), 1);
    return true;
  };

  /** What the replicate function makes of a hint. */
  const work = (): boolean => {
    const index = Math.floor(random() * hints.length);
    const [hint] = hints.splice(index, 1);
    if (hint === undefined) return false;
    const id = hint.run ?? '';
    const run = store.runs.get(id);
    if (run?.phase === 'paused' || run?.phase === 'cancelled') {
      store.count(id, { kind: 'dropped' });
      return true;
    }
    const name = JSON.stringify([hint.identity, hint.key]);
    if (receipts.has(name)) return true;
    receipts.add(name);
    const versions = source[hint.key];
    if (hint.kind === 'extra') delete replica[hint.key];
    else if (versions !== undefined) replica[hint.key] = [...versions];
    store.count(id, {
      kind: 'done',
      key: hint.key,
      receipt: { outcome: 'replicated', copies: 1, bytes: 1, durationMs: 1 },
    });
    return true;
  };
  const receipts = new Set<string>();

  /** Whatever there is to do, in any order; time passes where there is nothing. */
  const step = async (): Promise<void> => {
    const did = random() < 0.5 ? (await deliver()) || work() : work() || (await deliver());
    if (did) return;
    const next = Math.min(...messages.map(({ atMs }) => atMs));
    nowMs = Number.isFinite(next) ? Math.max(nowMs, next) : nowMs + 60_000;
  };

  return {
    store,
    messages,
    hints,
    announced,
    reports,
    files,
    requests,
    broken,
    /** Of objects that transfers are moving for somebody. */
    moving,
    source,
    replica,
    deps,
    step,
    deliver,
    work,
    clock,
    /** With nothing going wrong while it starts. */
    start: (spec: Partial<RunSpec> = {}) =>
      startRun(
        {
          kind: 'backfill',
          rule: rule.id,
          destination: destination.id,
          prefix: '',
          since: null,
          versions: rule.versions,
          attributes: 'listed',
          repair: false,
          deleteExtra: false,
          ...spec,
        },
        null,
        { ...deps(), store, queues: { ...plainQueues(messages, () => nowMs) } },
      ),
    /** Until it is over, failed or paused. */
    async untilStill(id: string, most = 20_000) {
      for (let steps = 0; steps < most; steps += 1) {
        const run = store.runs.get(id);
        if (run !== undefined && !isActive(run) && (run.announced || run.phase === 'paused')) return run;
        await step();
      }
      throw new Error(`the run does not end: ${JSON.stringify(store.runs.get(id))}`);
    },
    rows: (report: RunReport) => report.files.flatMap(({ key }) => files.get(key) ?? []),
  };
};

const plainQueues = (
  messages: { message: RunMessage; atMs: number }[],
  now: () => number,
): RunDeps['queues'] => ({
  send: async (sent, delaySeconds = 0) =>
    void messages.push(...sent.map((message) => ({ message, atMs: now() + delaySeconds * 1_000 }))),
  sendHints: async () => undefined,
  hintsLeft: async () => 0,
});

const listingOf =
  (
    bucket: () => Histories,
    pageSize: number,
    requests: { pages: number; onPage: ((pages: number) => Promise<void>) | null },
    broken: () => ReplicationError | null,
  ): ListPage<ListedVersion> =>
  async ({ prefix, after }) => {
    const error = broken();
    if (error !== null) throw error;
    requests.pages += 1;
    await requests.onPage?.(requests.pages);
    const all = entriesOf(bucket()).filter(({ key }) => key.startsWith(prefix));
    const start = all.findIndex(({ key, versionId }) => {
      const order = compareKeys(key, after.key);
      if (order !== 0) return order > 0;
      return after.versionId !== null && Number(versionId) < Number(after.versionId);
    });
    const entries = start === -1 ? [] : all.slice(start, start + pageSize);
    const last = entries.at(-1);
    const isEnd = start === -1 || start + pageSize >= all.length;
    return {
      entries,
      next: isEnd || last === undefined ? null : { key: last.key, versionId: last.versionId },
    };
  };

/** Version ids count down to 1, the oldest. */
const entriesOf = (bucket: Histories): ListedVersion[] =>
  Object.keys(bucket)
    .toSorted(compareKeys)
    .flatMap((key) => {
      const versions = bucket[key] ?? [];
      return versions.map((text, index): ListedVersion => ({
        key,
        kind: text === '-' ? 'delete-marker' : 'object',
        versionId: String(versions.length - index),
        isLatest: index === 0,
        etag: text === '-' ? '' : `"${createHash('md5').update(text).digest('hex')}"`,
        sizeBytes: text === '-' ? 0 : text.length,
        lastModifiedMs: NOW - 86_400_000,
        storageClass: text === '-' ? '' : 'STANDARD',
      }));
    });
