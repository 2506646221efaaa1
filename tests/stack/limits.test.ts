import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
import { stackOf } from '../../src/stack/stack.ts';
import type { Template } from './packaging.ts';
import { grants, roleStatements } from './statements.ts';
import { destination, file, rule } from '../configuration/yaml.ts';

/** Returns source buckets with the longest names that S3 allows, whose destinations have roles of their own with the longest names. */
const longBuckets = (count: number, top: Record<string, unknown> = {}): string =>
  file(
    Array.from({ length: count }, (_, index) =>
      rule(
        `rule-${index}`,
        { bucket: `source-${index}-`.padEnd(63, 'x') },
        [
          destination(`replica-${index}-`.padEnd(63, 'x'), {
            roleArn: `arn:aws:iam::222222222222:role/${`writer-${index}-`.padEnd(56, 'x')}`,
          }),
        ],
        {
          versions: index % 2 === 0 ? 'all' : 'latest',
          acl: index % 3 === 0 ? 'replicate' : 'ignore',
          ...(index % 5 === 0 ? { restore: { days: 1 } } : {}),
        },
      ),
    ),
    top,
  );

test('fifty source buckets with the longest names, different options and a role for each fit into one stack', () => {
  const platform = {
    rolePath: '/platform/',
    kmsKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-1111-1111-111111111111',
    vpc: { subnetIds: ['subnet-1a2b3c4d'], securityGroupIds: ['sg-1a2b3c4d'] },
  };
  for (const stack of [{}, platform]) {
    const { resources } = stackOf(parseConfiguration(longBuckets(50, { stack })));
    const policies = Object.values(resources.Resources).filter(
      ({ Type }) => Type === 'AWS::IAM::ManagedPolicy',
    );
    expect(policies.length).toBeGreaterThan(4);
  }
});

test('what the managed policies of a role allow is what the role of a smaller stack allows', () => {
  const allowed = (count: number): string[] => {
    const { Resources } = stackOf(parseConfiguration(longBuckets(count))).resources;
    const template = JSON.parse(JSON.stringify({ Resources })) as Template;
    return ['ReplicateRole', 'SubscribeRole', 'BackfillRole', 'BatchRole'].flatMap((role) =>
      grants(roleStatements(template, role)).map((one) => `${role}: ${one}`),
    );
  };
  const [few, many] = [allowed(20), allowed(50)];
  expect(many).toEqual(expect.arrayContaining(few));
  const isOfBucket = (grant: string): boolean => /-\d+-xx/.test(grant);
  expect(many.filter((grant) => !isOfBucket(grant))).toEqual(few.filter((grant) => !isOfBucket(grant)));
  expect(many.filter((grant) => /source-49-x/.test(grant))).toHaveLength(
    few.filter((grant) => /source-19-x/.test(grant)).length,
  );
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
  expect(messageOf(longBuckets(90))).toMatch(/the policies of LiveQueue would have about \d+ characters/);
  const stacks = printedStacks(longBuckets(90));
  expect(Object.keys(stacks)).toEqual(['s3-replicator', 's3-replicator-2']);
  expect(Object.values(stacks).flat()).toEqual(Array.from({ length: 90 }, (_, index) => `rule-${index}`));
  const { rules } = JSON.parse(longBuckets(90));
  for (const [name, ids] of Object.entries(stacks)) {
    const own = rules.filter(({ id }: { id: string }) => ids.includes(id));
    expect(() => stackOf(parseConfiguration(file(own, { name })))).not.toThrow();
  }
  for (const line of messageOf(longBuckets(90)).split('\n').slice(4))
    expect(line.length).toBeLessThanOrEqual(84);
});

test('the split keeps all rules of a source bucket in one stack', () => {
  const again = rule('again', { bucket: 'source-0-'.padEnd(63, 'x'), prefix: 'more/' }, [
    destination('acme-more'),
  ]);
  const { rules } = JSON.parse(longBuckets(90));
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
