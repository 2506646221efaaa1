/** Regression tests for the comparison of a run. */
import { expect, test } from 'vitest';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import { proveBy } from '../../src/lib/runs/compare/basis.ts';
import { createCloserLook } from '../../src/lib/runs/compare/closer-look.ts';
import { createCompareConsumer } from '../../src/lib/runs/compare/compare-consumer.ts';
import type { ReportRow } from '../../src/lib/runs/report/report-data.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { md5Hex } from '../model/object-state.ts';
import { testDestination, testRule } from '../model/settings.ts';
import { aSpec } from './runs.ts';
import { sideBuckets } from './side-buckets.ts';

const md5Etag = (text: string): string => `"${md5Hex(Buffer.from(text))}"`;

const version = (key: string, id: string, fields: Partial<ListedVersion> = {}): ListedVersion => ({
  key,
  kind: 'object',
  versionId: id,
  isLatest: false,
  etag: md5Etag(id),
  sizeBytes: 1,
  lastModifiedMs: 0,
  storageClass: 'STANDARD',
  ...fields,
});

const compare = async (source: ListedVersion[], replicas: ListedVersion[], reason: Reason | null = null) => {
  const destination = testDestination();
  const rule = testRule({ versions: 'all' });
  const rows: ReportRow[] = [];
  const slept: number[] = [];
  const consumer = createCompareConsumer({
    run: 'run',
    epoch: 1,
    spec: aSpec({ versions: 'all' }),
    scope: { rule, destination, mapping: { sourcePrefix: '', destinationPrefix: '' } },
    listing: 'checked',
    createdMs: 1e12,
    listDestination: async () => ({ entries: replicas, next: null }),
    look: async () => ({
      finding: 'different',
      basis: null,
      isFaked: false,
      version: null,
      note: null,
      reason,
    }),
    sendHints: async () => undefined,
    report: async (more) => void rows.push(...more),
    sleep: async (ms) => void slept.push(ms),
  });
  const stretch = { entries: source, after: { key: '', versionId: null }, through: null, carry: null };
  await consumer.consume(stretch, async () => undefined);
  return { counted: consumer.taken(), rows, slept };
};

test('a destination that was once unversioned may lack versions, unless its newest version has the id null', async () => {
  const source = ['v3', 'v2', 'v1'].map((id) => version('k', id, { isLatest: id === 'v3' }));
  const older = version('k', 'null', { etag: md5Etag('v2') });
  const newest = version('k', 'r3', { etag: md5Etag('v3'), isLatest: true });
  expect((await compare(source, [newest, older])).counted).toMatchObject({ historyShorter: 1, same: 0 });
  const only = version('k', 'null', { etag: md5Etag('v3'), isLatest: true });
  expect((await compare(source, [only])).counted).toMatchObject({ historyShorter: 0, same: 1 });
});

test('a report row names the newest pair of versions that differs', async () => {
  const source = ['v3', 'v2', 'v1'].map((id) => version('k', id, { isLatest: id === 'v3' }));
  const replicas = ['r3', 'r2', 'r1'].map((id) => version('k', id, { etag: md5Etag(`v${id.slice(1)}`) }));
  const changed = replicas.map((each) => (each.versionId === 'r3' ? each : { ...each, sizeBytes: 2 }));
  const { rows } = await compare(source, changed);
  expect(rows).toMatchObject([{ source: { versionId: 'v2' }, replica: { versionId: 'r2' } }]);
});

test('the report row of a key that may not be read says why the key counts as different', async () => {
  const source = [version('k', 'v1', { isLatest: true })];
  const replicas = [version('k', 'r1', { etag: '"kms"', isLatest: true })];
  const { rows } = await compare(source, replicas, 'kms');
  expect(rows).toMatchObject([{ difference: 'different', reason: 'kms' }]);
});

test('the comparison waits for all recently changed keys together, however many they are', async () => {
  const keys = Array.from({ length: 200 }, (_, index) => `k${1_000 + index}`);
  const source = keys.map((key) => version(key, 'v', { isLatest: true, lastModifiedMs: 1e12 }));
  const { counted, slept } = await compare(source, []);
  expect(counted).toMatchObject({ different: 200, looks: 800 });
  expect(slept).toEqual([500, 2_000, 5_000]);
});

/** Takes a closer look at the key `k`. The rule replicates all versions and deletes, and writes no stamps. */
const closerLook = async (source: ListedVersion[], replica: ListedVersion[]) => {
  const scope = {
    rule: testRule({ versions: 'all', deletes: 'replicate', stamp: false }),
    destination: testDestination(),
    mapping: { sourcePrefix: '', destinationPrefix: '' },
  };
  const look = createCloserLook(
    scope,
    { versions: 'all', attributes: 'listed' },
    {
      buckets: sideBuckets(
        () => source,
        () => replica,
      ),
      clock: { now: () => 0, sleep: async () => undefined },
      prove: proveBy(memoryVersionReceipts()),
    },
  );
  return await look('k', 'all');
};

test('a closer look does not miss a delete marker that has no version under it', async () => {
  const etag = `"${'0'.repeat(32)}"`;
  const source = [
    version('k', 'v2', { isLatest: true, etag }),
    version('k', 'v1', { kind: 'delete-marker', sizeBytes: 0 }),
  ];
  const replica = [version('k', 'r', { etag, isLatest: true })];
  expect(await closerLook(source, replica)).toMatchObject({ finding: 'same' });
});

test('a verify lists what a delete may not hide as extra, because it is not provably a replica', async () => {
  const source = [
    version('k', 'v2', { kind: 'delete-marker', sizeBytes: 0, isLatest: true, lastModifiedMs: 2_000 }),
    version('k', 'v1', { lastModifiedMs: 1_000 }),
  ];
  const older = version('k', 'r1', { etag: md5Etag('v1'), lastModifiedMs: 1_000 });
  const replica = [version('k', 'r2', { lastModifiedMs: 3_000, isLatest: true }), older];
  expect(await closerLook(source, replica)).toMatchObject({ finding: 'extra' });
});
