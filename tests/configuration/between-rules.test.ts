import { expect, test } from 'vitest';
import { destination, file, fileWith, problemsOf, rule } from './yaml.ts';

const found = (rules: Parameters<typeof file>[0]): string[] =>
  problemsOf(file(rules)).map((problem) => `${problem.path}: ${problem.found}`);

const CHAIN = { replicas: 'replicate' };

test('two rules with the same id are refused', () => {
  expect(
    found([
      rule('a', { bucket: 'source-1' }, [destination('replica-1')]),
      rule('a', { bucket: 'source-2' }, [destination('replica-2')]),
    ]),
  ).toEqual(['rules[1].id: the id "a" for a second time']);
});

test('two destinations of a rule with the same id, or with the same bucket and no id, are refused', () => {
  const twice = (more: object) => [
    rule('a', { bucket: 'source-1', prefix: 'in/' }, [
      destination('replica-1', { prefix: 'a/' }),
      destination('replica-1', { prefix: 'b/', ...more }),
    ]),
  ];

  expect(found(twice({}))).toEqual([
    'rules[0].destinations[1].id: the id "replica-1" for a second time in this rule',
  ]);
  expect(found(twice({ id: 'second' }))).toEqual([]);
});

test('rules that disagree on how their common source bucket notifies are refused', () => {
  expect(
    found([
      rule('a', { bucket: 'source-1', prefix: 'a/' }, [destination('replica-1')]),
      rule('b', { bucket: 'source-1', prefix: 'b/', events: 'eventbridge' }, [destination('replica-2')]),
    ]),
  ).toEqual(['rules[1].source.events: `eventbridge`, while rule "a" has `s3` for the same bucket']);
});

test('a bucket to which two rules give different owners is refused', () => {
  const third = { account: '333333333333' };
  const rules = (first: Record<string, unknown>, second: Record<string, unknown>) => [
    rule('a', { bucket: 'source-1', prefix: 'a/', ...first }, [destination('replica-1', second)]),
    rule('b', { bucket: 'source-1', prefix: 'b/' }, [destination('replica-1')]),
  ];
  expect(found(rules({}, {}))).toEqual([]);
  expect(found(rules(third, {}))).toEqual([
    'rules[1].source.bucket: source-1, which here belongs to the account of the stack and in another place to 333333333333',
  ]);
  expect(found(rules({}, third))).toEqual([
    'rules[1].destinations[0].bucket: replica-1, which here belongs to 222222222222 and in another place to 333333333333',
  ]);
});

test('rules of one source bucket may overlap', () => {
  expect(
    found([
      rule('all', { bucket: 'source-1' }, [destination('replica-1')]),
      rule('some', { bucket: 'source-1', prefix: 'a/' }, [destination('replica-2')]),
    ]),
  ).toEqual([]);
});

test('a rule that replicates into its own source, including replicas, is refused as a loop', () => {
  const rules = (more: object) => [
    rule('a', { bucket: 'source-1' }, [destination('source-1', { prefix: 'copy/' })], { ...more }),
  ];

  expect(found(rules({ replicas: 'replicate' }))).toEqual([
    'rules[0].destinations[0]: a loop: "a" feeds "a"',
  ]);
  expect(found(rules({}))).toEqual([]);
});

test('a rule may replicate within one bucket if its prefixes do not overlap', () => {
  expect(
    found([rule('a', { bucket: 'source-1', prefix: 'in/' }, [destination('source-1', { prefix: 'out/' })])]),
  ).toEqual([]);
});

test('a loop through several rules is reported once, with its path', () => {
  expect(
    found([
      rule('a', { bucket: 'bucket-1' }, [destination('bucket-2')], CHAIN),
      rule('b', { bucket: 'bucket-2' }, [destination('bucket-3')], CHAIN),
      rule('c', { bucket: 'bucket-3' }, [destination('bucket-1')], CHAIN),
    ]),
  ).toEqual(['rules[0].destinations[0]: a loop: "a" feeds "b" feeds "c" feeds "a"']);
});

test('a circle of rules is no loop if one of the rules ignores replicas', () => {
  expect(
    found([
      rule('a', { bucket: 'bucket-1' }, [destination('bucket-2')], CHAIN),
      rule('b', { bucket: 'bucket-2' }, [destination('bucket-3')], CHAIN),
      rule('c', { bucket: 'bucket-3' }, [destination('bucket-1')]),
    ]),
  ).toEqual([]);
});

test('two buckets may be replicated into each other', () => {
  expect(
    found([
      rule('there', { bucket: 'bucket-1' }, [destination('bucket-2')]),
      rule('back', { bucket: 'bucket-2' }, [destination('bucket-1')]),
    ]),
  ).toEqual([]);
});

test('two-way replication is refused as a loop if no stamp proves that an object is a replica, however events arrive', () => {
  const rules = (events: string, stamp: boolean) => [
    rule('there', { bucket: 'bucket-1', events }, [destination('bucket-2')], { stamp }),
    rule('back', { bucket: 'bucket-2', events }, [destination('bucket-1')], { stamp }),
  ];

  for (const events of ['eventbridge', 's3']) {
    expect(problemsOf(file(rules(events, false)))).toMatchObject([
      { found: 'a loop: "there" feeds "back" feeds "there"', fix: expect.stringContaining('`stamp: false`') },
    ]);
    expect(found(rules(events, true))).toEqual([]);
  }
});

test('a chain of rules that replicate replicas is not a loop', () => {
  expect(
    found([
      rule('a', { bucket: 'bucket-1' }, [destination('bucket-2')], CHAIN),
      rule('b', { bucket: 'bucket-2' }, [destination('bucket-3')], CHAIN),
    ]),
  ).toEqual([]);
});

test('a circle of buckets is no loop if prefixes or suffixes keep the keys apart', () => {
  expect(
    found([
      rule('there', { bucket: 'bucket-1', prefix: 'mine/' }, [destination('bucket-2')], CHAIN),
      rule('back', { bucket: 'bucket-2', prefix: 'theirs/' }, [destination('bucket-1')], CHAIN),
    ]),
  ).toEqual([]);
  expect(
    found([
      rule('there', { bucket: 'bucket-1', suffix: '.a' }, [destination('bucket-2')], CHAIN),
      rule('back', { bucket: 'bucket-2', suffix: '.b' }, [destination('bucket-1')], CHAIN),
    ]),
  ).toEqual([]);
});

test('two sources that would write the same keys of one bucket are refused', () => {
  const rules = (prefix: string) => [
    rule('a', { bucket: 'source-1' }, [destination('replica-1', { prefix: 'a/' })]),
    rule('b', { bucket: 'source-2' }, [destination('replica-1', { prefix })]),
  ];

  expect(found(rules('a/b/'))).toEqual([
    'rules[1].destinations[0]: replicas under the same keys of replica-1 as those of rule "a"',
  ]);
  expect(found(rules('b/'))).toEqual([]);
});

test('a KMS key of another region than the bucket is refused', () => {
  const key = (region: string) => ({
    kmsKeyArn: `arn:aws:kms:${region}:222222222222:key/mrk-${'0'.repeat(32)}`,
  });

  expect(problemsOf(fileWith({ destination: key('eu-west-1') }))).toMatchObject([
    {
      path: 'rules[0].destinations[0].kmsKeyArn',
      found: 'a key in eu-west-1, while the bucket is in us-east-1',
    },
  ]);
  expect(problemsOf(fileWith({ destination: key('us-east-1') }))).toEqual([]);
  expect(problemsOf(fileWith({ source: key('eu-west-1') }))).toMatchObject([
    { path: 'rules[0].source.kmsKeyArn' },
  ]);
  expect(problemsOf(fileWith({ source: key('eu-west-1') }), { region: 'eu-west-1' })).toEqual([]);
  const kmsKeyArns = ['us-east-1', 'eu-west-1'].map((region) => key(region).kmsKeyArn);
  expect(problemsOf(fileWith({ source: { kmsKeyArns } }))).toMatchObject([
    {
      path: 'rules[0].source.kmsKeyArns[1]',
      found: 'a key in eu-west-1, while the source buckets are in us-east-1',
    },
  ]);
});

test('a KMS key beside encryption with keys of S3 is refused', () => {
  const kmsKeyArn = `arn:aws:kms:us-east-1:222222222222:key/mrk-${'0'.repeat(32)}`;

  expect(problemsOf(fileWith({ destination: { encryption: 'AES256', kmsKeyArn } }))).toMatchObject([
    { path: 'rules[0].destinations[0].encryption', found: '`AES256` beside a KMS key' },
  ]);
  for (const good of [
    { encryption: 'AES256' },
    { encryption: 'aws:kms' },
    { encryption: 'aws:kms:dsse' },
    { encryption: 'aws:kms', kmsKeyArn },
    { encryption: 'aws:kms:dsse', kmsKeyArn },
  ]) {
    expect(problemsOf(fileWith({ destination: good }))).toEqual([]);
  }
});

test('options that need a source role are refused without one, and options that exclude a source role are refused with one', () => {
  const role = { roleArn: 'arn:aws:iam::111111111111:role/reader' };
  const key = { kmsKeyArn: `arn:aws:kms:us-east-1:111111111111:key/mrk-${'0'.repeat(32)}` };

  expect(problemsOf(fileWith({ source: { externalId: 'some-id' } }))).toMatchObject([
    { path: 'rules[0].source.externalId' },
  ]);
  expect(problemsOf(fileWith({ source: { externalId: 'some-id', ...role } }))).toEqual([]);
  expect(problemsOf(fileWith({ source: { ...key, ...role } }))).toMatchObject([
    { path: 'rules[0].source.kmsKeyArn' },
  ]);
});

test('a role of another partition is refused', () => {
  const china = { roleArn: 'arn:aws-cn:iam::222222222222:role/replica' };

  expect(problemsOf(fileWith({ destination: { ...china, region: 'cn-north-1' } }))).toMatchObject([
    { path: 'rules[0].destinations[0].roleArn' },
  ]);
  expect(problemsOf(fileWith({ destination: { region: 'cn-north-1' } }))).toMatchObject([
    { path: 'rules[0].destinations[0].region' },
  ]);
  expect(
    problemsOf(fileWith({ destination: { ...china, region: 'cn-north-1' } }), { region: 'cn-northwest-1' }),
  ).toEqual([]);
});
