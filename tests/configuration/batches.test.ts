/** How many events an invocation receives, and how long Lambda waits for them. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { fileWith } from './yaml.ts';

test.each([
  [{}, 10, 0],
  [{ batchSize: 3 }, 3, 0],
  [{ batchWindowSeconds: 2 }, 100, 2],
  [{ batchWindowSeconds: 2, batchSize: 40 }, 40, 2],
])('the stack settings %j give batches of %i events and a window of %i s', (settings, size, window) => {
  const { stack } = parseConfiguration(fileWith({ top: { stack: settings } }));
  expect([stack.batchSize, stack.batchWindowSeconds]).toEqual([size, window]);
});

test.each([
  [{ batchSize: 11 }, 'stack.batchSize'],
  [{ batchSize: 101, batchWindowSeconds: 1 }, 'stack.batchSize'],
  [{ batchWindowSeconds: 301 }, 'stack.batchWindowSeconds'],
])('the stack settings %j are refused at %s', (settings, path) => {
  expect(() => parseConfiguration(fileWith({ top: { stack: settings } }))).toThrow(path);
});
