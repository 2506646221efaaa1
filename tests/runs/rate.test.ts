/** The rate of a run, with a thousand workers in simulated time. */
import { expect, test } from 'vitest';
import type { Hint } from '../../src/lib/hint/hint.ts';
import type { ListedVersion, ListPage } from '../../src/lib/listing/page.ts';
import { rangesBehind, wholeRange } from '../../src/lib/listing/range.ts';
import { limitRun, startRuns, wake } from '../../src/lib/runs/control.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import { workOnMessage } from '../../src/lib/runs/messages.ts';
import type { RunDeps, RunMessage } from '../../src/lib/runs/ports.ts';
import { tendRuns } from '../../src/lib/runs/tend-runs.ts';
import { createModelTime } from '../model/model-time.ts';
import { createMemoryRunStore } from '../model/memory-run-store.ts';
import { SEED } from '../model/seed.ts';
import { numbers } from './random-numbers.ts';
import { createWorld } from './run-world.ts';
import { aSpec } from './runs.ts';

const WORKERS = 1_000;
const ANSWER_MS = 200;

interface Sizes {
  keys: number;
  pageSize: number;
  sizeBytes: number;
  /** Whether the destination has the keys. */
  isSame: boolean;
}

const keyAt = (n: number): string => `k${String(n).padStart(7, '0')}`;

/** A bucket of numbered keys that is not stored, because only its pages are needed. */
const bucketOf =
  ({ keys, pageSize, sizeBytes }: Sizes): ListPage<ListedVersion> =>
  async ({ after }) => {
    const first = after.key === '' ? 0 : Number(after.key.slice(1).padEnd(7, '0')) + 1;
    const last = Math.min(keys, first + pageSize);
    const entries = Array.from({ length: Math.max(0, last - first) }, (_, index) => ({
      key: keyAt(first + index),
      versionId: '1',
      kind: 'object' as const,
      etag: '"d41d8cd98f00b204e9800998ecf8427e"',
      sizeBytes,
      lastModifiedMs: 1,
      isLatest: true,
      storageClass: 'STANDARD',
    }));
    const end = entries.at(-1);
    return {
      entries: entries as unknown as ListedVersion[],
      next: last >= keys || end === undefined ? null : { key: end.key, versionId: end.versionId },
    };
  };

/** A thousand workers that take messages one at a time. */
const createPool = (work: (message: RunMessage) => Promise<void>) => {
  const waiting: RunMessage[] = [];
  let busy = 0;
  const hand = (): void => {
    while (busy < WORKERS && waiting.length > 0) {
      busy += 1;
      void work(waiting.shift()!).finally(() => {
        busy -= 1;
        hand();
      });
    }
  };
  return {
    busy: () => busy,
    add(messages: readonly RunMessage[]) {
      waiting.push(...messages);
      hand();
    },
  };
};

const simulate = (sizes: Sizes) => {
  const time = createModelTime();
  const world = createWorld({ source: {}, replica: {} });
  const store = createMemoryRunStore(time.now);
  /** The requests and bytes of each second. */
  const seconds: { requests: number; bytes: number }[] = [];
  const count = (requests: number, bytes = 0): void => {
    const second = Math.floor(time.now() / 1_000);
    const now = (seconds[second] ??= { requests: 0, bytes: 0 });
    now.requests += requests;
    now.bytes += bytes;
  };
  const slow =
    (list: ListPage<ListedVersion>): ListPage<ListedVersion> =>
    async (request) => {
      count(1);
      await time.sleep(ANSWER_MS);
      return await list(request);
    };
  const pool = createPool((message) => workOnMessage(message, 1, deps()));
  const later = (delaySeconds: number, act: () => void): void => void time.after(delaySeconds * 1_000, act);
  /** Replicates the key of a hint. If the hint is too early, this happens later, because the replicate function hides such a hint. */
  const replicate = (hint: Hint, sizeBytes: number): void => {
    const early = (hint.notBeforeMs ?? 0) - time.now();
    if (early > 0) return later(early / 1_000, () => replicate(hint, sizeBytes));
    count(5, sizeBytes);
    const receipt = { outcome: 'replicated', copies: 1, bytes: sizeBytes, durationMs: 1 } as const;
    store.count(hint.run ?? '', { kind: 'done', key: hint.key, receipt });
  };
  const deps = (): RunDeps => ({
    ...world.deps(),
    store,
    clock: time,
    random: numbers(SEED),
    deadlineMs: time.now() + 870_000,
    listingConcurrency: WORKERS,
    listings: {
      source: () => slow(bucketOf(sizes)),
      destination: () => slow(bucketOf(sizes.isSame ? sizes : { ...sizes, keys: 0 })),
    },
    queues: {
      send: async (messages, delaySeconds = 0) => later(delaySeconds, () => pool.add(messages)),
      sendHints: async (hints, delays = []) => {
        for (const [index, hint] of hints.entries())
          later(delays[index] ?? 0, () => replicate(hint, sizes.sizeBytes));
      },
      hintsLeft: async () => 1,
    },
  });
  return { time, store, seconds, deps, busy: pool.busy };
};

/** Returns the mean of each stretch of `length` seconds. */
const means = (values: readonly number[], length: number): number[] =>
  Array.from({ length: Math.floor(values.length / length) }, (_, index) => {
    const part = values.slice(index * length, (index + 1) * length);
    return part.reduce((sum, value) => sum + value, 0) / length;
  });

test('a thousand workers that list at full speed come down to a rate that is set, and stay within 5 % of it', async () => {
  const sizes = { keys: 200_000, pageSize: 1, sizeBytes: 1, isSame: true };
  const { time, store, seconds, deps, busy } = simulate(sizes);
  const spec = aSpec({ kind: 'verify', rule: 'rule', destination: 'replica', versions: 'all' });
  const [run] = await startRuns([{ spec, estimate: null }], deps());
  const whole = wholeRange();
  const points = Array.from({ length: WORKERS - 1 }, (_, n) => keyAt((n + 1) * (sizes.keys / WORKERS)));
  await store.commit({
    run: run!.id,
    epoch: 1,
    listing: 'checked',
    before: whole,
    after: { ...whole, upTo: points[0]!, step: 1 },
    children: rangesBehind(whole, points, 100),
    counted: NOTHING_COMPARED,
    file: null,
    nowMs: 0,
  });
  await wake(run!, { ...deps(), store });
  await time.runUntil(1_500);
  expect(busy()).toBeGreaterThan(WORKERS * 0.9);
  const before = seconds[0]?.requests ?? 0;
  await limitRun(run!.id, { requestsPerSecond: 500 }, { ...deps(), store });
  await time.runUntil(36_000);
  expect(before).toBeGreaterThan(1_000);
  const rates = means(
    seconds.slice(6, 36).map((each) => each?.requests ?? 0),
    15,
  );
  for (const rate of rates) expect(Math.abs(rate - 500), rates.join()).toBeLessThan(25);
  expect(store.runs.get(run!.id)?.phase).toBe('checking');
});

test.each([
  ['requests', { requestsPerSecond: 200 }, 200, 1_000],
  ['bytes', { bytesPerSecond: 5e6 }, 5e6, 400_000],
] as const)(
  'the hints of a backfill with a rate of %s reach the replicate function within 5 %% of it',
  async (what, limits, rate, sizeBytes) => {
    const { time, store, seconds, deps } = simulate({
      keys: 60_000,
      pageSize: 500,
      sizeBytes,
      isSame: false,
    });
    const spec = aSpec({ rule: 'rule', destination: 'replica', versions: 'all' });
    const [run] = await startRuns([{ spec, estimate: null, limits }], deps());
    for (let minute = 1; minute <= 10; minute += 1) {
      await time.runUntil(minute * 60_000);
      await tendRuns(deps());
    }
    const rates = means(
      Array.from(seconds, (each) => each?.[what] ?? 0),
      120,
    );
    for (const each of rates.slice(1)) expect(Math.abs(each - rate), rates.join()).toBeLessThan(rate * 0.05);
    expect(store.runs.get(run!.id)).toMatchObject({ phase: 'comparing', failure: null, requestsPerHint: 5 });
  },
);
