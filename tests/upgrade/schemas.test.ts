/**
 * Every later release reads what one release has written. A release does not touch what it cannot know. If a format changes without a new
 * schema number, a test fails here, because today's code no longer writes the fixture of that number.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createRunStore } from '../../src/lib/aws/dynamodb/run-store.ts';
import { createTransferStore } from '../../src/lib/aws/dynamodb/transfer-store.ts';
import { wholeRange } from '../../src/lib/listing/range.ts';
import { SCHEMAS } from '../../src/lib/model/schemas.ts';
import { collected } from '../adapters/collected.ts';
import { SEED } from '../model/seed.ts';
import { REPOSITORY } from '../../demo/package-stack.ts';
import { namedCommit } from './packaged-commit.ts';
import { type Format, type Stored, STORED_FORMATS } from './formats.ts';
import { NOW, RUN, TRANSFER } from './samples.ts';
import { startStores, type Stores } from './stores.ts';

let stores: Stores;
beforeAll(async () => {
  // The local AWS and the SDK share the clock of this process.
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  stores = await startStores();
});
afterAll(async () => {
  await stores.stop();
  vi.useRealTimers();
});

const FIXTURES = new URL('fixtures/', import.meta.url);
const fileOf = ({ name }: Format, number: number): URL => new URL(`${name}-${number}.json`, FIXTURES);
const fixtureOf = (format: Format, number: number): Stored =>
  JSON.parse(readFileSync(fileOf(format, number), 'utf8'));

const EVERY_NUMBER = STORED_FORMATS.flatMap((format) =>
  Array.from({ length: SCHEMAS[format.schema] }, (_, index) => [format.name, index + 1, format] as const),
);

test.each(EVERY_NUMBER)('a %s of schema %i is read', async (_name, number, format) => {
  expect(await format.read(fixtureOf(format, number), stores)).toEqual(format.value);
});

test.each(STORED_FORMATS.map((format) => [format.name, format] as const))(
  'a %s is written as the fixture of its number',
  async (_name, format) => {
    const file = fileOf(format, SCHEMAS[format.schema]);
    const written = await format.write(stores);
    // The fixture of a new number is written once. After its release the fixture must not change. A changed format takes the next number.
    if (!existsSync(file)) writeFileSync(file, JSON.stringify(written, null, 2) + '\n');
    expect(written).toEqual(fixtureOf(format, SCHEMAS[format.schema]));
  },
);

/** Whether the history of the clone reaches back to the commit. */
const isKnown = (commit: string): boolean =>
  spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: REPOSITORY }).status === 0;
const RELEASE = await namedCommit();

test.runIf(isKnown(RELEASE))(
  `no fixture of the release (commit ${RELEASE.slice(0, 7)}) was changed or removed since`,
  () => {
    const { stdout, status } = spawnSync(
      'git',
      ['diff', '--name-only', '--diff-filter=a', RELEASE, '--', 'tests/upgrade/fixtures'],
      { cwd: REPOSITORY, encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  },
);

test('every schema has a format, and every fixture belongs to a number that is read', () => {
  expect(new Set(STORED_FORMATS.map(({ schema }) => schema))).toEqual(new Set(Object.keys(SCHEMAS)));
  expect(readdirSync(FIXTURES).toSorted()).toEqual(
    EVERY_NUMBER.map(([name, number]) => `${name}-${number}.json`).toSorted(),
  );
});

/** The same with another number, as a later release would write it. */
const withNumber = (stored: Stored, { schema }: Format, number: number): Stored => {
  if ('table' in stored) {
    const { data } = stored.item;
    return typeof data === 'object' && data !== null
      ? { ...stored, item: { ...stored.item, data: { ...data, v: number } } }
      : { ...stored, item: { ...stored.item, v: number } };
  }
  const { body, attributes } = stored.message;
  if (schema !== 'attributes') {
    const changed = JSON.stringify({ ...JSON.parse(body), v: number });
    return { message: { body: changed, attributes } };
  }
  const relabelled = Object.entries(attributes).map(([name, value]) => [
    name,
    { ...value, DataType: `String.${number}` },
  ]);
  return { message: { body, attributes: Object.fromEntries(relabelled) } };
};

const outcomeOf = (read: Promise<unknown>): Promise<unknown> => read.catch((error: unknown) => error);

test.each(STORED_FORMATS.map((format) => [format.name, format] as const))(
  `a %s with an unknown number is not read (seed ${SEED})`,
  async (name, format) => {
    const stored = fixtureOf(format, SCHEMAS[format.schema]);
    const above = fc.integer({ min: SCHEMAS[format.schema] + 1, max: 2 ** 40 });
    await fc.assert(
      fc.asyncProperty(above, async (number) => {
        const read = await outcomeOf(format.read(withNumber(stored, format, number), stores));
        expect(read).toEqual(name in UNREAD ? UNREAD[name] : NEWER);
      }),
      { seed: SEED, numRuns: 8 },
    );
  },
);

const NEWER = expect.objectContaining({ reason: 'newer-release' });

/**
 * What this release makes of a newer format. Receipts only save work. Therefore a receipt that cannot be read counts as absent, and the key
 * is looked at again.
 */
const UNREAD: Record<string, unknown> = {
  hint: [{ kind: 'newer', error: NEWER, body: expect.any(String) }],
  announcement: [{ kind: 'newer', error: NEWER, body: expect.any(String) }],
  several: [{ kind: 'newer', error: NEWER, body: expect.any(String) }],
  receipt: { duplicate: false, receipt: expect.objectContaining({ outcome: 'unchanged' }) },
  'version-receipt': null,
};

test('what has no number counts as the first', async () => {
  for (const format of STORED_FORMATS.filter(({ schema }) => schema !== 'attributes')) {
    const text = JSON.stringify(fixtureOf(format, 1)).replace(/\\"v\\":1,|"v":1,?/, '');
    expect(await format.read(JSON.parse(text), stores)).toEqual(format.value);
  }
});

test('lists leave out what a newer release wrote, and the sweep learns of its upload', async () => {
  const format = (name: string): Format => STORED_FORMATS.find((each) => each.name === name)!;
  const [transfer, run] = [format('transfer'), format('run')].map((each) =>
    withNumber(fixtureOf(each, 1), each, 2),
  );
  await stores.clear('transfers');
  await stores.put('transfers', (transfer as Extract<Stored, { table: string }>).item);
  const uploads: string[] = [];
  expect(await collected(createTransferStore('transfers').all((uploadId) => uploads.push(uploadId)))).toEqual(
    [],
  );
  expect(uploads).toEqual([TRANSFER.uploadId]);
  await stores.clear('runs');
  await createRunStore('runs').create(RUN, wholeRange());
  expect(await createRunStore('runs').list(10)).toHaveLength(1);
  await stores.put('runs', (run as Extract<Stored, { table: string }>).item);
  expect(await createRunStore('runs').list(10)).toEqual([]);
});
