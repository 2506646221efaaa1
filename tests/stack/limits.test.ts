import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
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

/** Returns the rules of each printed stack by its name. */
const printedStacks = (text: string): Record<string, string[]> => {
  const [, ...parts] = messageOf(text).split(/replication\.yml, name: /);
  return Object.fromEntries(
    parts.map((part) => {
      const [name = '', ids = ''] = part.split(', rules:');
      return [name, ids.split(/Deploy this|\.\.\//)[0]?.match(/[\w-]+/g) ?? []];
    }),
  );
};

const messageOf = (text: string): string => {
  try {
    stackOf(parseConfiguration(text));
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
  }
  return '';
};

test('more source buckets than policies can name are refused, with a split into stacks that fit', () => {
  expect(messageOf(buckets(80))).toMatch(/the role SubscribeRole would have about \d+ characters/);
  const stacks = printedStacks(buckets(80));
  expect(Object.keys(stacks)).toEqual(['s3-replicator', 's3-replicator-2', 's3-replicator-3']);
  expect(Object.values(stacks).flat()).toEqual(Array.from({ length: 80 }, (_, index) => `rule-${index}`));
  const { rules } = JSON.parse(buckets(80));
  for (const [name, ids] of Object.entries(stacks)) {
    const own = rules.filter(({ id }: { id: string }) => ids.includes(id));
    expect(() => stackOf(parseConfiguration(file(own, { name })))).not.toThrow();
  }
  for (const line of messageOf(buckets(80)).split('\n').slice(4)) expect(line.length).toBeLessThanOrEqual(84);
});

test('the split keeps all rules of a source bucket in one stack', () => {
  const again = rule('again', { bucket: 'acme-documents-0', prefix: 'more/' }, [destination('acme-more')]);
  const { rules } = JSON.parse(buckets(60));
  rules[0].source.prefix = 'some/';
  const [first] = Object.values(printedStacks(file([...rules, again])));
  expect(first).toEqual(expect.arrayContaining(['rule-0', 'again']));
});

test('a source bucket that alone fills more than a stack is not split', () => {
  const many = Array.from({ length: 220 }, (_, index) => destination(`acme-replica-${index}`));
  const message = messageOf(file([rule('only', { bucket: 'acme-documents' }, many)]));
  expect(message).toMatch(/the stack would have about \d+ resources, while CloudFormation allows 500/);
  expect(message).toContain('the rules of one source bucket alone are too much');
});

test('a source bucket with more notifications than S3 allows is named, and EventBridge is the fix', () => {
  const many = (events: string) =>
    file(
      Array.from({ length: 101 }, (_, index) =>
        rule(`rule-${index}`, { bucket: 'acme-documents', prefix: `p${index}/`, events }, [
          destination('acme-replica', { prefix: `p${index}/` }),
        ]),
      ),
    );
  expect(messageOf(many('s3'))).toContain('acme-documents would have 101 notifications, while S3 allows 100');
  expect(messageOf(many('s3'))).toContain('events: eventbridge');
  expect(messageOf(many('eventbridge'))).not.toContain('notifications');
});
