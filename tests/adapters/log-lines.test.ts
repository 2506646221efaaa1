import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Convergence } from '../../src/lib/converge/convergence.ts';

const OUTCOMES = {
  replicated: true,
  deleted: true,
  updated: true,
  unchanged: true,
  'source-gone': true,
  'not-ours': true,
  held: true,
  filtered: true,
  replica: true,
  'restore-requested': true,
  transferring: true,
} satisfies Record<Convergence['outcome'], true>;

test('docs/log.md explains every line of the log', () => {
  const document = readFileSync(`${import.meta.dirname}/../../docs/log.md`, 'utf8');
  const described = [...document.matchAll(/^\| ([a-z-]+) +\|[^|]+\| (?:`|nothing)/gm)].map(
    ([, message]) => message,
  );
  const messages = [
    ...Object.keys(OUTCOMES),
    'duplicate',
    'range',
    'skipped',
    'retry',
    'older-template',
    'receipt-not-kept',
    'waits',
    'avoided',
    'paused',
    'quarantined',
  ];
  expect(described.toSorted()).toEqual(messages.toSorted());
});
