/** The attributes that a replica may have under a rule. */
import { expect, test } from 'vitest';
import type { ObjectLock } from '../../src/lib/model/ports.ts';
import { lockVerdict } from '../../src/lib/replica/object-lock.ts';
import { isStorageClassRight } from '../../src/lib/replica/storage-class.ts';
import { NO_LOCK } from '../model/memory-buckets.ts';
import { testDestination } from '../model/settings.ts';

test.each([
  [null, 'GLACIER', 'right'],
  ['STANDARD_IA', 'STANDARD_IA', 'right'],
  ['STANDARD_IA', 'DEEP_ARCHIVE', 'right'],
  ['STANDARD_IA', null, 'wrong'],
  ['GLACIER_IR', 'STANDARD_IA', 'wrong'],
  ['SNOW', 'STANDARD', 'wrong'],
  ['STANDARD', 'SOMETHING_NEW', 'wrong'],
])('for a rule with storage class %s, a replica of class %s is %s', (wanted, found, verdict) => {
  expect(isStorageClassRight({ minimumStorageClass: null, storageClass: wanted }, found)).toBe(
    verdict === 'right',
  );
});

const NOW = 1_000_000_000;
const locked = (mode: 'GOVERNANCE' | 'COMPLIANCE', untilMs = NOW + 1_000): ObjectLock => ({
  retention: { mode, untilMs },
  legalHold: false,
});
const held: ObjectLock = { retention: null, legalHold: true };

test.each([
  ['replicate', NO_LOCK, NO_LOCK, 'right'],
  ['replicate', locked('GOVERNANCE'), NO_LOCK, 'weaker'],
  ['ignore', locked('GOVERNANCE'), NO_LOCK, 'right'],
  ['replicate', NO_LOCK, locked('COMPLIANCE'), 'right'],
  ['replicate', locked('COMPLIANCE'), locked('GOVERNANCE'), 'weaker'],
  ['governance', locked('COMPLIANCE'), locked('GOVERNANCE'), 'right'],
  ['replicate', locked('GOVERNANCE'), locked('COMPLIANCE', NOW + 2_000), 'right'],
  ['replicate', locked('GOVERNANCE', NOW + 2_000), locked('GOVERNANCE'), 'weaker'],
  ['replicate', locked('COMPLIANCE', NOW), NO_LOCK, 'right'],
  ['replicate', held, NO_LOCK, 'weaker'],
  ['replicate', NO_LOCK, held, 'hold-kept'],
  ['ignore', held, NO_LOCK, 'right'],
] as const)(
  'with objectLock %s and the source lock %j, the replica lock %j is %s',
  (objectLock, source, replica, verdict) => {
    const found = lockVerdict(
      { lock: replica, lastModifiedMs: 0 },
      source,
      testDestination({ objectLock }),
      NOW,
    );
    expect(found).toBe(verdict);
  },
);
