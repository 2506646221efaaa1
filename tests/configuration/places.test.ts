import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
import { problemsOf } from './yaml.ts';

test('a YAML syntax error is reported with its line and column', () => {
  expect(problemsOf('rules:\n  - id: a\n    source: {\n')[0]).toMatchObject({
    line: 4,
    column: 1,
  });
});

test('a key that is written twice is an error instead of a silent choice', () => {
  expect(problemsOf('name: a\nname: b\nrules: []\n')[0]).toMatchObject({
    line: 2,
    found: expect.stringContaining('unique'),
  });
});

test('the error message shows the line of a problem with a caret below the value', () => {
  const text = 'name: acme\nregion: us-eest\nrules: []\nstack:\n  batchSize:   101\n  alarms: [\n';
  const messageOf = (content: string): string => {
    try {
      parseConfiguration(content);
      return '';
    } catch (error) {
      return error instanceof ConfigurationError ? error.message : '';
    }
  };
  expect(messageOf(text.replace('  alarms: [\n', ''))).toContain(
    [
      '  replication.yml:5  stack.batchSize',
      '    5 |   batchSize:   101',
      '      |                ^',
      '    found: the number 101',
    ].join('\n'),
  );
  expect(messageOf(text)).toContain(
    ['  replication.yml:7', '    7 |', '      | ^', '    found: '].join('\n'),
  );
  const long = `name: acme\nregion: ${' '.repeat(200)}moon\nrules: []\n`;
  expect(messageOf(long)).toContain(`    2 | …${' '.repeat(20)}moon\n      |  ${' '.repeat(20)}^\n`);
});
