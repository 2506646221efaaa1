/** Chains of rules. If a rule allows it, a replica is itself replicated to another bucket. */
import { expect, test } from 'vitest';
import fc from 'fast-check';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import { sessionName } from '../../src/lib/hint/session-name.ts';
import { createDeployment } from '../model/deployment.ts';
import { apply, history, KEYS } from '../model/history.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { s3Event, testDestination, testRule } from '../model/settings.ts';
import { shows } from '../model/two-way-world.ts';
import { propertyRuns, SEED } from '../model/seed.ts';

// Each run takes several times as long as a run in histories.test.ts.
const RUNS = Math.ceil(propertyRuns(120) / 4);

test(`a chain of two rules carries the objects of the first bucket into the third (seed ${SEED})`, async () => {
  const given = history(fc.constantFrom('xx', 'yy'), { versioned: true, kinds: ['put', 'delete', 'tag'] });
  const property = fc.asyncProperty(given, fc.scheduler(), fc.boolean(), async (each, scheduler, named) => {
    const clock = { now: () => 1_700_000_000_000, sleep: async () => undefined };
    const kms = [each.source, each.destination].some(({ encryption }) => encryption === 'aws:kms');
    const bucket = () => createMemoryBucket('enabled', clock.now, { checksums: kms });
    const buckets = { first: bucket(), second: bucket(), third: bucket() };
    let sequencer = 0;
    const hop = (from: string, to: string, replicas: ReplicationRule['replicas']) =>
      createDeployment({
        rules: [
          testRule({
            versions: each.rule.versions,
            deletes: 'replicate',
            replicas,
            source: { ...testRule().source, bucket: from },
            destinations: [testDestination({ bucket: to })],
          }),
        ],
        buckets,
        clock,
        scheduler,
        faults: each.faults,
        tell: (name, event) => {
          const principalId = named ? `AWS:AROAEXAMPLE:${sessionName('first-prod', 'eu-central-1')}` : null;
          if (name === 'second')
            next.deliver(s3Event({ bucket: name, sequencer: String(sequencer++), principalId, ...event }));
        },
      });
    const next = hop('second', 'third', 'replicate');
    const start = hop('first', 'second', 'ignore');
    for (const [index, operation] of each.operations.entries()) {
      const event = apply(buckets.first, operation, String(index));
      if (event !== null) start.deliver(s3Event({ bucket: 'first', sequencer: `s${index}`, ...event }));
    }
    await scheduler.waitFor(Promise.all([start.run(), start.run(), next.run()]));
    expect([...(await start.settle()), ...(await next.settle())]).toEqual([]);
    for (const key of KEYS) expect(shows(buckets.third, key)).toEqual(shows(buckets.first, key));
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
});
