/**
 * What a dry run announces about a large object is what the next hint does, in the states that transfers reach: begun, half moved,
 * complete, or failed, with its upload or its record lost, or about a version that is no longer the newest.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTask } from '../../src/lib/model/task.ts';
import { tryBoth } from '../model/dry-and-real.ts';
import { weighted } from '../model/history.ts';
import { propertyRuns, SEED } from '../model/seed.ts';
import { testRule } from '../model/settings.ts';
import { createTransferWorld, type TransferWorld } from '../model/transfer-world.ts';
import { put } from './one-object.ts';

const RUNS = Math.min(400, propertyRuns(25));

type Step = 'abort' | 'delete' | 'fail' | 'forget' | 'put' | 'replicate' | 'sweep' | 'work';

const steps = fc.array(
  weighted<Step>(
    [4, 'work'],
    [3, 'replicate'],
    [1, 'put'],
    [1, 'abort'],
    [1, 'fail'],
    [1, 'forget'],
    [1, 'sweep'],
    [1, 'delete'],
  ),
  { minLength: 4, maxLength: 16 },
);

const take = async (world: TransferWorld, step: Step, salt: number): Promise<unknown> => {
  const { records } = world.transfers;
  switch (step) {
    case 'put':
      return put(world, [3, 3, 2], salt);
    case 'delete':
      return world.source.remove('k');
    case 'replicate':
      return await world.replicate();
    case 'work':
      return await world.work();
    case 'sweep':
      world.clock.nowMs += 900_000;
      return await world.sweep();
    case 'abort':
      return world.replica.uploads.clear();
    case 'forget':
      return records.clear();
    case 'fail':
      // After a failure of the KMS key, the upload is begun anew. After a refusal, it is continued.
      for (const [id, record] of records) {
        const reason = salt % 2 === 0 ? 'kms' : 'access-denied';
        records.set(id, { ...record, failure: { reason, detail: 'as told', atMs: world.clock.nowMs } });
      }
  }
};

test(`a dry run announces what the next hint does in every state of a transfer (seed ${SEED}, ${RUNS} runs)`, async () => {
  const announcements = new Set<string>();
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom('all', 'latest'), async (all, versions) => {
      const world = createTransferWorld({ rule: { versions, deletes: 'replicate' }, unitBytes: 2 ** 33 });
      const rule = testRule({ versions, deletes: 'replicate' });
      put(world, [3, 3, 2]);
      for (const [index, step] of all.entries()) {
        await take(world, step, index + 1);
        const [destination] = rule.destinations;
        if (destination === undefined) throw new Error('the rule has a destination');
        const task = createTask({ rule, destination, key: 'k' }, {});
        for (const said of await tryBoth(task, world)) announcements.add(said);
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  const wanted = [
    'CreateMultipartUpload',
    'SendMessage',
    'CompleteMultipartUpload',
    'AbortMultipartUpload',
    'transferring',
  ];
  expect([...announcements]).toEqual(expect.arrayContaining(wanted));
});
