/** The packaged function with batches of up to a hundred events, as `stack.batchWindowSeconds` allows them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRecord } from '../../src/lib/model/json.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { expectReplicas } from './support/objects.ts';
import { bucketOf, keyOf, operationOf } from './support/operations.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({
    edit: {
      // The test uses the package of other test files, and sets the fields that the option would set.
      stack: ({ Resources: resources }) => {
        for (const { Type: type, Properties: properties } of Object.values(resources))
          if (
            type === 'AWS::Lambda::EventSourceMapping' &&
            isRecord(properties) &&
            properties['BatchSize'] === 10
          )
            Object.assign(properties, { BatchSize: 100, MaximumBatchingWindowInSeconds: 1 });
      },
    },
  });
});
afterAll(async () => {
  await stage?.stop();
});

test.runIf(PLAYS_ALL)(
  'an invocation replicates more than ten objects with few listings, and only what failed is tried again',
  async () => {
    const refused = new Set<string>();
    let listings = 0;
    stage.aws.faults.plan = (request) => {
      if (request.caller.kind !== 'session') return undefined;
      const operation = operationOf(request);
      if (operation === 's3:ListObjectVersions') listings += 1;
      if (operation !== 's3:PutObject' || !keyOf(request).endsWith('0') || refused.has(keyOf(request)))
        return undefined;
      expect(bucketOf(request)).toBe('main-replica');
      refused.add(keyOf(request));
      return { kind: 'error', status: 403, code: 'AccessDenied' };
    };
    const keys = Array.from({ length: 60 }, (_, at) => `log/${String(at).padStart(3, '0')}`);
    await Promise.all(keys.map((key) => stage.put('main', key, key)));
    expect(await settled(stage)).toBe(true);
    stage.aws.faults.plan = undefined;
    for (const key of keys) await expectReplicas(stage, 'main', key);
    expect(refused.size).toBe(6);
    const replicated = stage.logs.filter(({ line }) => /"message":"replicated".*"key":"log\//.test(line));
    expect(replicated).toHaveLength(keys.length);
    const batches = Object.values(Object.groupBy(replicated, ({ requestId }) => requestId ?? ''));
    expect(Math.max(...batches.map((batch) => batch?.length ?? 0))).toBeGreaterThan(10);
    // There are sixty keys and six second attempts. Most of them share a listing with others.
    expect(listings).toBeLessThan(30);
  },
);
