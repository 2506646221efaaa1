import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { jsonSchema } from '../../src/lib/configuration/schema.ts';
import { parseByteSize } from '../../src/lib/text/byte-size.ts';
import { fileWith, problemsOf, summaries } from './yaml.ts';

const WITH_ANCHORS = `
x-destination: &destination
  region: eu-central-1
  roleArn: arn:aws:iam::222222222222:role/replica
  externalId: shared-id
rules:
  - id: invoices
    x-owner: the platform team
    source: { bucket: acme-documents, prefix: invoices/ }
    destinations:
      - <<: *destination
        bucket: acme-replica
      - <<: [*destination, { region: us-east-1 }]
        bucket: acme-archive
        region: eu-west-1
`;

test('x- options hold what others merge, and appear nowhere', () => {
  const { replication } = parseConfiguration(WITH_ANCHORS);
  expect(replication.rules.map((rule) => Object.keys(rule).filter((name) => name.startsWith('x-')))).toEqual([
    [],
  ]);
  expect(
    replication.rules[0]?.destinations.map(({ bucket, region, externalId }) => [bucket, region, externalId]),
  ).toEqual([
    ['acme-replica', 'eu-central-1', 'shared-id'],
    ['acme-archive', 'eu-west-1', 'shared-id'],
  ]);
});

test('a problem in a merged block is reported where the block is written', () => {
  const problems = problemsOf(WITH_ANCHORS.replace('eu-central-1', 'frankfurt'));
  expect(problems).toMatchObject([{ path: 'rules[0].destinations[0].region', line: 3 }]);
});

test('an x- option deeper than a rule is a mistake', () => {
  expect(summaries(fileWith({ source: { 'x-note': 1 } })).join()).toContain('the unknown option `x-note`');
});

test.each([
  ['a number', '5'],
  ['a list of numbers', '[5]'],
  ['an alias of a number', '*five'],
  ['an alias of nothing', '*nothing'],
])('merging %s is a problem with its line', (_, source) => {
  const text = `x-five: &five 5\nname: a\nstack:\n  <<: ${source}\n`;
  expect(problemsOf(text)[0]).toMatchObject({ line: 4 });
});

test.each([
  ['5MB', 5_000_000],
  ['5 MiB', 5 * 2 ** 20],
  ['1GiB', 2 ** 30],
  ['1.5 KiB', 1_536],
  ['1.1kB', 1_100],
  ['500', 500],
  ['500 B', 500],
  [2_048, 2_048],
])('the size %j is %d bytes for whoever uses the rule', (written, bytes) => {
  const { replication } = parseConfiguration(fileWith({ rule: { filter: { minimumBytes: written } } }));
  expect(replication.rules[0]?.filter.minimumBytes).toBe(bytes);
});

test.each([
  ['5M', '5MB (powers of 1,000) or 5MiB (powers of 1,024)'],
  ['5 mb', '5MB (powers of 1,000) or 5MiB'],
  ['2g', '2GB (powers of 1,000) or 2GiB'],
  ['5 parsecs', 'parsecs is no unit of sizes'],
  ['big', 'write it like 5MB or 5MiB'],
  ['1.5', 'no whole number of bytes'],
  ['60000GiB', 'at most 50000GiB'],
  [-1, 'at most 50000GiB'],
  [true, 'at most 50000GiB'],
])('the size %j is refused with what to write instead', (written, advice) => {
  expect(summaries(fileWith({ rule: { filter: { maximumBytes: written } } })).join()).toContain(advice);
});

test('the limits of a filter are compared in bytes, whatever their units are', () => {
  const filter = { minimumBytes: '1MiB', maximumBytes: '1MB' };
  expect(summaries(fileWith({ rule: { filter } })).join()).toContain(
    '1048576, while `maximumBytes` is 1000000',
  );
});

test('the JSON schema accepts sizes with units, and x- options where they may stand', () => {
  const schema = JSON.stringify(jsonSchema());
  expect(schema.match(/"patternProperties":\{"\^x-":\{\}\}/g)).toHaveLength(2);
  const [pattern = ''] = /\^\[0-9\]\+[^"]+/.exec(schema) ?? [];
  for (const size of ['5MB', '5 MiB', '1.5GiB', '500'])
    expect([typeof parseByteSize(size), new RegExp(JSON.parse(`"${pattern}"`)).test(size)]).toEqual([
      'number',
      true,
    ]);
});
