/** The changes that a source bucket must report for its rules. */
import { expect, test } from 'vitest';
import { changesFor } from '../../src/stack/changes.ts';
import { testRule } from '../model/settings.ts';

const RESTORE = { days: 1, tier: 'Standard' } as const;

test.each([
  [{ deletes: 'replicate', versions: 'latest', restore: null }, true],
  [{ deletes: 'ignore', versions: 'all', restore: RESTORE }, true],
  [{ deletes: 'ignore', versions: 'all', restore: null }, false],
  [{ deletes: 'ignore', versions: 'latest', restore: RESTORE }, false],
] as const)(
  'a rule hears of removals if it replicates deletes, or if versions wait for a restore (%o)',
  (rule, hears) => {
    const types = changesFor([testRule(rule)]).flatMap(({ eventTypes }) => eventTypes);
    expect(types.includes('s3:LifecycleExpiration:*')).toBe(hears);
    expect(types.includes('s3:ObjectRemoved:*')).toBe(hears);
  },
);
