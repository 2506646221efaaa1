/**
 * Rules with several destinations. Replication to each destination succeeds or fails independently of the
 * others.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDeployment } from '../model/deployment.ts';
import { createMemoryBucket, type MemoryBucket } from '../model/memory-buckets.ts';
import { s3Event, testDestination, testRule } from '../model/settings.ts';

const clock = { now: () => 1_700_000_000_000, sleep: async () => undefined };

const world = (versions: 'all' | 'latest') => {
  const bucket = (): MemoryBucket => createMemoryBucket('enabled', clock.now);
  const buckets = { source: bucket(), good: bucket(), bad: bucket() };
  const state = { gone: true };
  const writes: string[] = [];
  for (const name of ['good', 'bad'] as const) {
    const { put } = buckets[name];
    buckets[name].put = (...args) => {
      writes.push(name);
      return put(...args);
    };
  }
  const deployment = createDeployment({
    rules: [
      testRule({
        versions,
        destinations: ['good', 'bad'].map((name) => testDestination({ id: name, bucket: name })),
      }),
    ],
    buckets,
    clock,
    scheduler: fc.sample(fc.scheduler(), 1)[0]!,
    isGone: (name) => state.gone && name === 'bad',
  });
  return { ...buckets, writes, state, deployment };
};

test.each(['all', 'latest'] as const)(
  'in mode %s a destination that does not exist does not make the other one copy again, neither at redelivery nor after a redrive',
  async (versions) => {
    const { source, good, bad, writes, state, deployment } = world(versions);
    const { versionId } = source.put('k', Buffer.from('one'));
    const body = s3Event({ key: 'k', versionId, sequencer: '1' });
    for (let delivery = 0; delivery < 3; delivery++) {
      deployment.deliver(body);
      expect(await deployment.settle()).toEqual([]);
    }
    expect(writes).toEqual(['good']);
    expect(deployment.quarantined).toHaveLength(3);
    state.gone = false;
    deployment.receipts.clear();
    for (const letter of deployment.deadLetters) deployment.deliver(letter);
    expect(await deployment.settle()).toEqual([]);
    expect(writes).toEqual(['good', 'bad']);
    for (const bucket of [good, bad]) expect(bucket.current('k')?.bytes.toString()).toBe('one');
  },
);
