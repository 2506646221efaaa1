/** One key that is overwritten many times in succession while several functions replicate it. */
import fc from 'fast-check';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { createMemoryBucket, type MemoryBucket } from './memory-buckets.ts';
import { s3Event, testRule } from './settings.ts';

/** How long one call to S3 takes. */
const CALL_MS = 20;

interface HotKey {
  source: MemoryBucket;
  replica: MemoryBucket;
  deployment: Deployment;
  /** How many calls to S3 all functions made together. */
  calls: number;
}

/**
 * Overwrites the key and replicates it. The seed decides how the writes and the calls of the functions are
 * interleaved.
 */
export const playHotKey = async ({
  overwrites,
  workers,
  versions,
  seed,
}: {
  overwrites: number;
  workers: number;
  versions: ReplicationRule['versions'];
  seed: number;
}): Promise<HotKey> => {
  let nowMs = 1_700_000_000_000;
  const clock = {
    now: () => nowMs,
    // While one function sleeps, the other functions make calls.
    async sleep(ms: number) {
      for (let sleptMs = 0; sleptMs < ms; sleptMs += CALL_MS)
        await scheduler.schedule(Promise.resolve(), 'sleep');
    },
  };
  const source = createMemoryBucket('enabled', clock.now);
  const replica = createMemoryBucket('enabled', clock.now);
  const scheduler = fc.sample(fc.scheduler(), { numRuns: 1, seed })[0]!;
  const deployment = createDeployment({
    rules: [testRule({ versions })],
    buckets: { source, replica },
    clock,
    scheduler,
  });
  const state = { writing: true };
  const writes = (async () => {
    for (let index = 0; index < overwrites; index++) {
      await scheduler.schedule(Promise.resolve(), 'write');
      nowMs += 5;
      const { versionId } = source.put('k', Buffer.from(`content ${index % 7}`));
      deployment.deliver(s3Event({ key: 'k', versionId, sequencer: String(index) }));
    }
    state.writing = false;
  })();
  const worker = async (): Promise<void> => {
    while (state.writing) {
      await deployment.run();
      deployment.retry();
    }
  };
  await scheduler.waitFor(Promise.all([writes, ...Array.from({ length: workers }, worker)]));
  await deployment.settle();
  return { source, replica, deployment, calls: deployment.calls.length };
};
