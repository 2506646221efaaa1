/** The attributes a replica may have under a rule. */
import { expect, test } from 'vitest';
import type { ObjectLock } from '../../src/lib/model/ports.ts';
import { isLockedAsWanted } from '../../src/lib/replica/object-lock.ts';
import { isStorageClassRight } from '../../src/lib/runs/compare/storage-class.ts';
import { NO_LOCK } from '../model/memory-buckets.ts';

test.each([
  [null, 'GLACIER', true],
  ['STANDARD_IA', 'STANDARD_IA', true],
  ['STANDARD_IA', 'DEEP_ARCHIVE', true],
  ['STANDARD_IA', null, false],
  ['GLACIER_IR', 'STANDARD_IA', false],
  ['SNOW', 'STANDARD', false],
  ['STANDARD', 'SOMETHING_NEW', false],
])('a rule with storage class %s accepts a replica of class %s: %s', (wanted, found, isRight) => {
  expect(isStorageClassRight({ storageClass: wanted }, found)).toBe(isRight);
});

const NOW = 1_000_000_000;
const locked = (mode: 'GOVERNANCE' | 'COMPLIANCE', untilMs = NOW + 1_000): ObjectLock => ({
  retention: { mode, untilMs },
  legalHold: false,
});
const held: ObjectLock = { retention: null, legalHold: true };

test.each([
  ['replicate', NO_LOCK, NO_LOCK, true],
  ['replicate', locked('GOVERNANCE'), NO_LOCK, false],
  ['ignore', locked('GOVERNANCE'), NO_LOCK, true],
  ['replicate', NO_LOCK, locked('COMPLIANCE'), true],
  ['replicate', locked('COMPLIANCE'), locked('GOVERNANCE'), false],
  ['governance', locked('COMPLIANCE'), locked('GOVERNANCE'), true],
  ['replicate', locked('GOVERNANCE'), locked('COMPLIANCE', NOW + 2_000), true],
  ['replicate', locked('GOVERNANCE', NOW + 2_000), locked('GOVERNANCE'), false],
  ['replicate', locked('COMPLIANCE', NOW), NO_LOCK, true],
  ['replicate', held, NO_LOCK, false],
  ['replicate', NO_LOCK, held, true],
  ['ignore', held, NO_LOCK, true],
] as const)(
  'the lock of a replica is as wanted, with objectLock %s, source %j and replica %j: %s',
  (objectLock, source, replica, isRight) => {
    expect(isLockedAsWanted(replica, source, { objectLock }, NOW)).toBe(isRight);
  },
);
