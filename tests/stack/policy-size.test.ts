import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { destination, file, rule } from '../configuration/yaml.ts';

const buckets = (count: number, more: (index: number) => Record<string, unknown> = () => ({})): string =>
  file(
    Array.from({ length: count }, (_, index) =>
      rule(
        `rule-${index}`,
        { bucket: `acme-documents-${index}` },
        [destination(`acme-replica-${index}`)],
        more(index),
      ),
    ),
  );

test('thirty source buckets fit into one stack', () => {
  expect(() => stackOf(parseConfiguration(buckets(30)))).not.toThrow();
});

test('thirty source buckets with different options fit into one stack', () => {
  const more = (index: number) => ({
    versions: index % 2 === 0 ? 'all' : 'latest',
    acl: index % 3 === 0 ? 'replicate' : 'ignore',
    ...(index % 5 === 0 ? { restore: { days: 1 } } : {}),
  });

  expect(() => stackOf(parseConfiguration(buckets(30, more)))).not.toThrow();
});

test('more source buckets than policies can name are refused before AWS would refuse them', () => {
  expect(() => stackOf(parseConfiguration(buckets(80)))).toThrow(
    /subscribe role would have about \d+ characters.*second stack/s,
  );
});
