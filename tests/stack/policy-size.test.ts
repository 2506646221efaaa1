import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { destination, file, rule } from '../configuration/yaml.ts';

const buckets = (count: number): string =>
  file(
    Array.from({ length: count }, (_, index) =>
      rule(`rule-${index}`, { bucket: `acme-documents-${index}` }, [destination(`acme-replica-${index}`)]),
    ),
  );

test('thirty source buckets fit into one stack', () => {
  expect(() => stackOf(parseConfiguration(buckets(30)))).not.toThrow();
});

test('more buckets than policies can name are refused before AWS does', () => {
  expect(() => stackOf(parseConfiguration(buckets(80)))).toThrow(
    /subscribe role would have about \d+ characters.*second stack/s,
  );
});
