/**
 * Uploads and overwrites a few keys in a random sequence. Events are repeated and out of order, and requests fail at random. In the
 * end, every replica equals its source and nothing is lost.
 */
import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { STAMP } from '../../demo/stamp.ts';
import type { Fault } from '@s3-replicator/local-aws';
import { expectReplicas, openUploads } from './support/objects.ts';
import { operationOf } from './support/operations.ts';
import { deadLetters, s3Record, send } from './support/queues.ts';
import { PROPERTY_SEED } from './support/seed.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
});

/** A step of a random sequence. `key` is the index of a key, and `event` chooses one of the events of earlier steps. */
type Step =
  | { kind: 'put' | 'parts'; key: number; text: string; label: string }
  | { kind: 'again'; event: number }
  | { kind: 'pause'; ms: number };

const KEYS = 3;
const text = fc.constantFrom('', 'a', 'b', 'a longer text');
const upload = fc.record({
  kind: fc.constantFrom('put' as const, 'put' as const, 'parts' as const),
  key: fc.nat({ max: KEYS - 1 }),
  text,
  label: fc.constantFrom('x', 'y'),
});
const again = fc.record({ kind: fc.constant('again' as const), event: fc.nat() });
const pause = fc.record({ kind: fc.constant('pause' as const), ms: fc.nat({ max: 40 }) });
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(upload, upload, again, pause), {
  minLength: 10,
  maxLength: 40,
});

const FAULTS: Fault[] = [
  { kind: 'reset-before' },
  { kind: 'reset-after' },
  { kind: 'error', status: 503, code: 'SlowDown' },
  { kind: 'error', status: 500, code: 'InternalError' },
];

let uploadsNobodyKnows = 0;

/** Makes one in twenty requests to S3 fail. The abort of an upload never fails, because otherwise the upload would stay open. */
const failAtRandom = (seed: number): void => {
  const random = fc.sample(fc.nat({ max: 20 * FAULTS.length - 1 }), { seed, numRuns: 5_000 });
  let calls = 0;
  stage.aws.faults.plan = (request) => {
    if (request.service !== 's3' || request.caller.kind !== 'session') return undefined;
    const operation = operationOf(request);
    if (operation === 's3:AbortMultipartUpload') return undefined;
    const fault = FAULTS[random[calls++ % random.length] ?? FAULTS.length];
    // The lost response contained the id of the upload, so no function can abort the upload.
    if (operation === 's3:CreateMultipartUpload' && fault?.kind === 'reset-after') uploadsNobodyKnows += 1;
    return fault;
  };
};

/** Plays the steps in the bucket. Returns the version ids of each key, oldest first. */
const play = async (bucket: string, keys: string[], history: Step[]): Promise<Map<string, string[]>> => {
  const events: object[] = [];
  const versions = new Map(keys.map((key): [string, string[]] => [key, []]));
  for (const [index, step] of history.entries()) {
    if (step.kind === 'pause') await new Promise((resolve) => setTimeout(resolve, step.ms));
    else if (step.kind === 'again') {
      const event = events[step.event % Math.max(1, events.length)];
      if (event !== undefined) await send(stage, event);
    } else {
      const key = keys[step.key] ?? '';
      const options = { Metadata: { label: step.label } };
      // In the versioned bucket, all versions of a key have different bytes. In the unversioned bucket, only the ETag identifies a
      // state, and states may repeat.
      const body = bucket === 'main' ? `${step.text} ${index}` : step.text;
      const { VersionId: versionId } =
        step.kind === 'put'
          ? await stage.put(bucket, key, body, options)
          : await stage.putParts(bucket, key, [Buffer.from(body)], options);
      const sequencer = index.toString(16).padStart(16, '0').toUpperCase();
      const version = versionId === undefined ? {} : { versionId };
      versions.get(key)?.push(versionId ?? '');
      events.push({ Records: [s3Record(bucket, key, { ...version, sequencer, size: body.length })] });
    }
  }
  // Sends all events once more, in reverse order.
  for (const event of events.toReversed()) await send(stage, event);
  return versions;
};

/** Lists the source versions that the destination has held, oldest first. */
const held = async (bucket: string, key: string): Promise<string[]> => {
  const s3 = stage.destination.s3();
  const { Versions: versions = [] } = await s3.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }),
  );
  const stamps = await Promise.all(
    versions.map(async ({ VersionId }) => {
      const { Metadata = {} } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId }));
      return Metadata[STAMP] ?? '';
    }),
  );
  return stamps.map((stamp) => /^v\/([^/]+)/.exec(stamp)?.[1] ?? '').toReversed();
};

/** Expects that no function, however slow, wrote an older version over a newer one. */
const expectNeverBackwards = async (key: string, versions: string[]): Promise<void> => {
  const order = (await held('main-replica', key)).map((version) => versions.indexOf(version));
  expect(order, `versions of ${key} in the order the replica had them`).toEqual(
    order.toSorted((one, other) => one - other),
  );
};

test.each(['main', 'plain'])(
  'bucket %s: replicas end equal to their sources after any uploads, repeated events and failures',
  async (bucket) => {
    const property = fc.asyncProperty(steps, fc.integer(), async (history, faultSeed) => {
      const run = randomBytes(4).toString('hex');
      const keys = Array.from({ length: KEYS }, (_, index) => `${run}/${index}`);
      // The first steps write every key, so that each of them exists in the end.
      const first = keys.map((_, key): Step => ({ kind: 'put', key, text: 'first', label: 'x' }));
      failAtRandom(faultSeed);
      const versions = await play(bucket, keys, [...first, ...history]);
      expect(await settled(stage)).toBe(true);
      stage.aws.faults.plan = undefined;
      for (const key of keys) await expectReplicas(stage, bucket, key);
      if (bucket === 'main') for (const [key, ids] of versions) await expectNeverBackwards(key, ids);
      expect(await deadLetters(stage)).toEqual([]);
    });
    await fc.assert(property, { seed: PROPERTY_SEED, numRuns: 3, endOnFailure: true });
    const open = [
      ...(await openUploads(stage, 'main-replica')),
      ...(await openUploads(stage, 'plain-replica')),
    ];
    expect(open.length).toBeLessThanOrEqual(uploadsNobodyKnows);
  },
);
