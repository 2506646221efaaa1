/**
 * The local S3 against a written model of a versioned bucket: whatever is done to it, it lists and reads as the model says.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { childrenOf, parseXml, textOf } from '../../../local/s3/xml.ts';
import { REGION, SOURCE, startHarness, type Harness } from './harness.ts';

interface ModelVersion {
  versionId: string;
  /** Null for a delete marker. */
  body: string | null;
}

interface Model {
  status: 'never' | 'Enabled' | 'Suspended';
  /** Newest first. */
  versions: Map<string, ModelVersion[]>;
}

type Step =
  | { kind: 'put'; key: string; body: string; condition: 'none' | 'absent' | 'current' | 'other' }
  | { kind: 'delete'; key: string; condition: 'none' | 'current' | 'other' }
  | { kind: 'delete-version'; key: string; index: number }
  | { kind: 'versioning'; status: 'Enabled' | 'Suspended' };

const key = fc.constantFrom('a', 'a/b', 'ü');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      key,
      body: fc.constantFrom('one', 'two', 'three'),
      condition: fc.constantFrom('none', 'none', 'absent', 'current', 'other'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      key,
      condition: fc.constantFrom('none', 'none', 'current', 'other'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('delete-version' as const), key, index: fc.nat(5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('versioning' as const),
      status: fc.constantFrom('Enabled', 'Suspended'),
    }),
  },
);

let harness: Harness;
let buckets = 0;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

test('any history leaves the bucket as a simple model of versioning says', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      buckets += 1;
      const bucket = `property-${buckets}`;
      harness.s3.createBucket({ name: bucket, accountId: SOURCE, region: REGION });
      const model: Model = { status: 'never', versions: new Map() };
      for (const one of steps) await take(bucket, model, one);
      expect(await listed(bucket)).toEqual(expected(model));
      for (const [name, versions] of model.versions)
        await expectRead(bucket, name, versions[0]?.body ?? null);
    }),
    { numRuns: 40 },
  );
});

const etag = (body: string): string => `"${createHash('md5').update(body).digest('hex')}"`;
const path = (bucket: string, name: string): string => `/${bucket}/${encodeURIComponent(name)}`;
const of = (model: Model, name: string): ModelVersion[] => model.versions.get(name) ?? [];

const take = async (bucket: string, model: Model, one: Step): Promise<void> => {
  if (one.kind === 'versioning') {
    model.status = one.status;
    const body = `<VersioningConfiguration><Status>${one.status}</Status></VersioningConfiguration>`;
    await harness.raw('PUT', `/${bucket}?versioning`, { body });
  } else if (one.kind === 'put') {
    await takePut(bucket, model, one);
  } else if (one.kind === 'delete') {
    await takeDelete(bucket, model, one);
  } else {
    const version = of(model, one.key)[one.index];
    if (version === undefined) return;
    const answer = await harness.raw('DELETE', `${path(bucket, one.key)}?versionId=${version.versionId}`);
    expect(answer.status).toBe(204);
    drop(model, one.key, version.versionId);
  }
};

const takePut = async (bucket: string, model: Model, one: Step & { kind: 'put' }): Promise<void> => {
  const current = of(model, one.key)[0]?.body ?? null;
  const headers: Record<string, string> = {};
  if (one.condition === 'absent') headers['if-none-match'] = '*';
  if (one.condition === 'current') headers['if-match'] = etag(current ?? 'nothing');
  if (one.condition === 'other') headers['if-match'] = '"other"';
  const answer = await harness.raw('PUT', path(bucket, one.key), { headers, body: one.body });
  const refusal = refusalOf(one.condition, current);
  expect(answer.status).toBe(refusal ?? 200);
  if (refusal !== null) return;
  add(model, one.key, one.body, answer.headers['x-amz-version-id']);
};

const takeDelete = async (bucket: string, model: Model, one: Step & { kind: 'delete' }): Promise<void> => {
  const current = of(model, one.key)[0]?.body ?? null;
  const headers: Record<string, string> = {};
  if (one.condition === 'current') headers['if-match'] = etag(current ?? 'nothing');
  if (one.condition === 'other') headers['if-match'] = '"other"';
  const answer = await harness.raw('DELETE', path(bucket, one.key), { headers });
  const refusal = refusalOf(one.condition, current);
  expect(answer.status).toBe(refusal ?? 204);
  if (refusal !== null) return;
  if (model.status === 'never') drop(model, one.key, 'null');
  else add(model, one.key, null, answer.headers['x-amz-version-id']);
};

const refusalOf = (condition: string, current: string | null): number | null => {
  if (condition === 'absent') return current === null ? null : 412;
  if (condition === 'none') return null;
  if (current === null) return 404;
  return condition === 'current' ? null : 412;
};

const add = (model: Model, name: string, body: string | null, versionId: unknown): void => {
  const id = model.status === 'Enabled' ? String(versionId) : 'null';
  if (id === 'null') drop(model, name, 'null');
  model.versions.set(name, [{ versionId: id, body }, ...of(model, name)]);
};

const drop = (model: Model, name: string, versionId: string): void => {
  const rest = of(model, name).filter((version) => version.versionId !== versionId);
  if (rest.length === 0) model.versions.delete(name);
  else model.versions.set(name, rest);
};

const expected = (model: Model): string[] =>
  [...model.versions]
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap(([name, versions]) =>
      versions.map(({ versionId, body }, index) =>
        [name, versionId, index === 0, body === null ? 'marker' : etag(body)].join(' '),
      ),
    );

/** Two entries a page, so that every listing is paged. */
const listed = async (bucket: string): Promise<string[]> => {
  const seen: string[] = [];
  let markers = '';
  for (;;) {
    const answer = await harness.raw('GET', `/${bucket}?versions&max-keys=2${markers}`);
    const page = parseXml(answer.body, 'ListVersionsResult');
    for (const node of page.children.filter(({ name }) => name === 'Version' || name === 'DeleteMarker'))
      seen.push(
        [
          textOf(node, 'Key'),
          textOf(node, 'VersionId'),
          textOf(node, 'IsLatest'),
          node.name === 'DeleteMarker' ? 'marker' : textOf(node, 'ETag'),
        ].join(' '),
      );
    if (childrenOf(page, 'NextKeyMarker').length === 0) return seen;
    markers = `&key-marker=${encodeURIComponent(textOf(page, 'NextKeyMarker') ?? '')}&version-id-marker=${textOf(page, 'NextVersionIdMarker')}`;
  }
};

const expectRead = async (bucket: string, name: string, body: string | null): Promise<void> => {
  const answer = await harness.raw('GET', path(bucket, name));
  expect(answer.status).toBe(body === null ? 404 : 200);
  if (body !== null) expect(answer.body).toBe(body);
};
