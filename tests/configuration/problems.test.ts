import { expect, test } from 'vitest';
import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
import { loadConfiguration, parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { destination, file, fileWith, problemsOf, rule, summaries } from './yaml.ts';

const DESTINATION = 'rules[0].destinations[0]';

test('all problems of a file are reported at once, in the order of the file, each with its line', () => {
  const text = `name: 1-replicator
region: us
rules:
  - id: first
    source:
      bucket: s3://source
    destinations:
      - bucket: replica-bucket
        region: us-east-1
        roleArn: arn:aws:iam::22:role/replica
        externalId: x
  - id: second
    source:
      bucket: other-source
    destinations: []
stack:
  batchSize: 101
`;

  expect(problemsOf(text).map(({ path, line }) => [path, line])).toEqual([
    ['name', 1],
    ['region', 2],
    ['rules[0].source.bucket', 6],
    ['rules[0].destinations[0].roleArn', 10],
    ['rules[0].destinations[0].externalId', 11],
    ['rules[1].destinations', 15],
    ['stack.batchSize', 17],
  ]);
});

test('the error message shows the place of a problem, the text found there and how to fix it', () => {
  expect(() => parseConfiguration(fileWith({ top: { name: 'a_b' } }))).toThrow(
    new ConfigurationError(
      'replication.yml',
      [
        {
          path: 'name',
          line: 1,
          column: 9,
          found: '"a_b"',
          fix: 'give a name of letters, digits and hyphens that begins with a letter; all resources of the stack begin with it',
        },
      ],
      fileWith({ top: { name: 'a_b' } }),
    ),
  );
  expect(
    new ConfigurationError('x.yml', [{ path: 'name', line: 1, column: 7, found: '"a"', fix: 'rename it' }])
      .message,
  ).toBe('x.yml has one problem:\n\n  x.yml:1  name\n    found: "a"\n    fix:   rename it');
});

test('a missing replication.yml is reported like any other problem', () => {
  expect(() => loadConfiguration('/nowhere/replication.yml')).toThrow(/replication\.yml[^]*ENOENT/);
});

test.each([
  ['that is empty', '', 'the file must consist of `rules:`'],
  ['that is a list', '- a\n', 'the file must consist of `rules:`'],
  ['without rules', 'name: a\n', 'list at least one rule'],
  ['with an empty list of rules', 'rules: []\n', 'list at least one rule'],
  ['with a rule that is no block', 'rules: [a]\n', 'write each rule as a block'],
])('a replication.yml %s is refused', (_, text, fix) => {
  expect(summaries(text).join('\n')).toContain(fix);
});

test.each([
  ['a bucket name in upper case', { source: { bucket: 'Source' } }, 'rules[0].source.bucket'],
  ['an IP address as bucket name', { source: { bucket: '10.0.0.1' } }, 'rules[0].source.bucket'],
  ['an ARN as bucket name', { source: { bucket: 'arn:aws:s3:::source' } }, 'rules[0].source.bucket'],
  ['a directory bucket', { source: { bucket: 'a--use1-az4--x-s3' } }, 'rules[0].source.bucket'],
  [
    'the ARN of a user as role',
    { source: { roleArn: 'arn:aws:iam::111111111111:user/a' } },
    'rules[0].source.roleArn',
  ],
  ['a prefix longer than a key', { source: { prefix: 'é'.repeat(513) } }, 'rules[0].source.prefix'],
  ['a prefix with ${', { source: { prefix: '${stage}/' } }, 'rules[0].source.prefix'],
  ['an empty prefix value', { source: { prefix: null } }, 'rules[0].source.prefix'],
  ['an unknown event mode', { source: { events: 'sns' } }, 'rules[0].source.events'],
  [
    'a role ARN that lacks the account',
    { destination: { roleArn: 'arn:aws:iam:::role/a' } },
    `${DESTINATION}.roleArn`,
  ],
  [
    'the alias of a KMS key',
    { destination: { kmsKeyArn: 'arn:aws:kms:us-east-1:222222222222:alias/a' } },
    `${DESTINATION}.kmsKeyArn`,
  ],
  [
    'a storage class in lower case',
    { destination: { storageClass: 'standard' } },
    `${DESTINATION}.storageClass`,
  ],
  ['an external id of one character', { destination: { externalId: 'x' } }, `${DESTINATION}.externalId`],
  [
    'an external id that is too long',
    { destination: { externalId: 'x'.repeat(1225) } },
    `${DESTINATION}.externalId`,
  ],
  ['an account that is a number', { destination: { account: 222222222222 } }, `${DESTINATION}.account`],
  ['an external id with a space', { destination: { externalId: 'a b' } }, `${DESTINATION}.externalId`],
  ['an external id that is a number', { destination: { externalId: 12345 } }, `${DESTINATION}.externalId`],
  [
    'an encryption that S3 does not know',
    { destination: { encryption: 'aws:kms:triple' } },
    `${DESTINATION}.encryption`,
  ],
  [
    'an unknown value of objectLock',
    { destination: { objectLock: 'compliance' } },
    `${DESTINATION}.objectLock`,
  ],
  ['an unknown value of replicas', { rule: { replicas: true } }, 'rules[0].replicas'],
  ['a canned ACL of S3', { rule: { acl: 'private' } }, 'rules[0].acl'],
  ['a filter that is a list', { rule: { filter: [{ tags: {} }] } }, 'rules[0].filter'],
  [
    'a filter by a tag of AWS',
    { rule: { filter: { tags: { 'AWS:a': 'b' } } } },
    'rules[0].filter.tags.AWS:a',
  ],
  ['a number as a tag filter', { rule: { filter: { tags: { year: 2026 } } } }, 'rules[0].filter.tags.year'],
  [
    'a filter by a tag value that is too long',
    { rule: { filter: { tags: { a: 'x'.repeat(257) } } } },
    'rules[0].filter.tags.a',
  ],
  [
    'a filter by more tags than an object can have',
    { rule: { filter: { tags: Object.fromEntries(Array.from({ length: 11 }, (_, tag) => [tag, 'x'])) } } },
    'rules[0].filter.tags',
  ],
  ['an ambiguous unit', { rule: { filter: { minimumBytes: '1 M' } } }, 'rules[0].filter.minimumBytes'],
  ['a negative size', { rule: { filter: { minimumBytes: -1 } } }, 'rules[0].filter.minimumBytes'],
  [
    'a size that no object can have',
    { rule: { filter: { maximumBytes: 53_687_091_200_001 } } },
    'rules[0].filter.maximumBytes',
  ],
  [
    'a filter that no object passes',
    { rule: { filter: { minimumBytes: 10, maximumBytes: 9 } } },
    'rules[0].filter.minimumBytes',
  ],
  [
    'an exclude of keys that the source does not have',
    { source: { prefix: 'in/' }, rule: { exclude: [{ prefix: 'in/tmp/' }, { prefix: 'tmp/' }] } },
    'rules[0].exclude[1].prefix',
  ],
  ['an empty exclude', { rule: { exclude: [{ suffix: 'a' }, { prefix: '' }] } }, 'rules[0].exclude[1]'],
  ['an exclude without lines', { rule: { exclude: { prefix: 'a' } } }, 'rules[0].exclude'],
  ['a restore option without days', { rule: { restore: { tier: 'Bulk' } } }, 'rules[0].restore.days'],
  ['a restore option for zero days', { rule: { restore: { days: 0 } } }, 'rules[0].restore.days'],
  [
    'a restore tier in lower case',
    { rule: { restore: { days: 1, tier: 'standard' } } },
    'rules[0].restore.tier',
  ],
  ['a restore option without block', { rule: { restore: true } }, 'rules[0].restore'],
  ['an unknown value of stamp', { rule: { stamp: 'maybe' } }, 'rules[0].stamp'],
  [
    'a concurrency below what SQS allows',
    { top: { stack: { maximumConcurrency: 1 } } },
    'stack.maximumConcurrency',
  ],
  [
    'a concurrency above what SQS allows',
    { top: { stack: { maximumConcurrency: 1001 } } },
    'stack.maximumConcurrency',
  ],
  ['a batch size that is no whole number', { top: { stack: { batchSize: 1.5 } } }, 'stack.batchSize'],
  [
    'a log retention that CloudWatch does not know',
    { top: { stack: { logRetentionDays: 31 } } },
    'stack.logRetentionDays',
  ],
  ['an alarm address without @', { top: { stack: { alarms: { email: 'me' } } } }, 'stack.alarms.email'],
  ['a stack tag that AWS reserves', { top: { stack: { tags: { 'aws:a': 'b' } } } }, 'stack.tags.aws:a'],
  ['a stack tag whose value is a number', { top: { stack: { tags: { cost: 1 } } } }, 'stack.tags.cost'],
])('a configuration with %s is refused', (_, more, path) => {
  expect(problemsOf(fileWith(more)).map((problem) => problem.path)).toEqual([path]);
});

test.each([
  [{ source: { prefx: 'a' } }, 'did you mean `prefix`?'],
  [{ destination: { storage_class: 'STANDARD' } }, 'did you mean `storageClass`?'],
  [
    { rule: { owner: 'me' } },
    'remove it; options here are id, source, filter, exclude, destinations, versions, deletes, copy, stamp, replicas, tags, acl, announce, restore, verify, limits, brake',
  ],
  [{ rule: { filters: {} } }, 'did you mean `filter`?'],
  [{ rule: { minimumBytes: 1 } }, 'it belongs under `rules.filter:`'],
  [{ rule: { objectLock: 'ignore' } }, 'it belongs under `rules.destinations:`'],
  [{ rule: { filter: { minimumByte: 1 } } }, 'did you mean `minimumBytes`?'],
  [{ top: { tags: { a: 'b' } } }, 'it belongs under `stack:`'],
  [{ top: { batchSize: 5 } }, 'it belongs under `stack:`'],
  [{ source: { storageClass: 'STANDARD' } }, 'it belongs under `rules.destinations:`'],
  [{ source: { rules: [] } }, 'it belongs at the top of the file'],
  // Every object has properties with these names.
  [{ rule: { constructor: 1 } }, expect.stringMatching(/^remove it; options here are /)],
  [{ rule: Object.fromEntries([['__proto__', 1]]) }, expect.stringMatching(/^remove it; options here are /)],
])('the unknown option in %j is refused with advice', (more, fix) => {
  expect(problemsOf(fileWith(more)).map((problem) => problem.fix)).toEqual([fix]);
});

test('a required option that is misspelt is reported once, as misspelt', () => {
  const text = fileWith({}).replace('externalId', 'external_id');
  expect(summaries(text)).toEqual([
    'rules[0].destinations[0].external_id: the unknown option `external_id` → did you mean `externalId`?',
  ]);
});

test('an option that only a later version will have is refused with "not yet"', () => {
  const problems = problemsOf(fileWith({ rule: { schedule: 'daily' } }));
  expect(problems.map(({ fix }) => fix)).toEqual([expect.stringMatching(/^not yet: /)]);
});

test('an unknown way of copying is refused with a list of the known ways', () => {
  expect(problemsOf(fileWith({ rule: { copy: 'twice' } }))[0]?.fix).toMatch(
    /^write `auto` .*`server-side` .*`stream` /,
  );
});

test.each([
  [1, 'the number 1'],
  [1001, 'the number 1001'],
  ['many', '"many"'],
])('a maximum of %j concurrent invocations for large objects is refused', (maximumConcurrency, found) => {
  expect(problemsOf(fileWith({ top: { transfers: { maximumConcurrency } } }))).toMatchObject([
    { path: 'transfers.maximumConcurrency', found, fix: expect.stringContaining('2–1000') },
  ]);
});

test('a name from which AWS names of more than 64 characters would follow is refused', () => {
  const text = fileWith({ top: { name: 'n'.repeat(39) } });

  expect(problemsOf(text)).toEqual([]);
  expect(problemsOf(text, { stage: 'production' })).toMatchObject([
    { path: 'name', fix: 'shorten the name or the stage by 6 characters or more' },
  ]);
  expect(problemsOf(text, { region: 'ap-southeast-2' })).toMatchObject([{ path: 'name' }]);
});

test('a stage or region that cannot be part of AWS names is refused', () => {
  expect(problemsOf(fileWith({}), { stage: 'a_b' }).map(({ path }) => path)).toContain('--stage');
  expect(problemsOf(fileWith({}), { region: 'here' }).map(({ path }) => path)).toContain('--region');
});

test('a mistake in one rule does not hide the problems between the other rules', () => {
  const text = file([
    rule('a', { bucket: 'source-1' }, [destination('replica-1')]),
    rule('broken', { bucket: 'X' }, [destination('replica-2')]),
    rule('a', { bucket: 'source-3' }, [destination('replica-3')]),
  ]);

  expect(problemsOf(text).map(({ path }) => path)).toEqual(['rules[1].source.bucket', 'rules[2].id']);
});
