import { expect, test } from 'vitest';
import type { Command } from '../../../src/cli/terminal/command-group.ts';
import { wrapCommand, wrapText } from '../../../src/cli/terminal/wrap.ts';
import { runCli } from '../../../src/cli/main.ts';

test('a line that is too long continues below its text', () => {
  expect(wrapText('short\nfix: Sign in to the source account again.\n', 24)).toBe(
    'short\nfix: Sign in to the\n     source account\n     again.\n',
  );
  expect(wrapText('  from  the bucket of the source account', 28)).toBe(
    '  from  the bucket of the\n        source account',
  );
  expect(wrapText('    a detail of the row above', 24)).toBe('    a detail of the row\n    above');
});

test('a command between backticks and a long name stay whole', () => {
  expect(wrapText('Check the runs with `s3-replicator backfill list`.', 40)).toBe(
    'Check the runs with\n`s3-replicator backfill list`.',
  );
  expect(wrapText('role arn:aws:iam::222222222222:role/replication', 20)).toBe(
    'role\narn:aws:iam::222222222222:role/replication',
  );
});

test('a long command continues after a backslash, and an option keeps its value', () => {
  expect(wrapCommand('npx s3-replicator dlq list --reason access-denied', 40, 2)).toBe(
    'npx s3-replicator dlq list \\\n      --reason access-denied',
  );
  expect(wrapCommand(`npx s3-replicator dlq list --json | jq '.[] | .key'`, 34, 2)).toBe(
    `npx s3-replicator dlq list \\\n      --json | jq '.[] | .key'`,
  );
});

test('a command that is printed can still be pasted, and a comment stays a comment', () => {
  const command = [
    '# Account 222222222222: acme-archive, for rule invoices',
    'aws cloudformation deploy --stack-name archive \\',
    '    --capabilities CAPABILITY_NAMED_IAM',
  ].join('\n');
  expect(wrapText(command, 40)).toBe(
    [
      '# Account 222222222222: acme-archive,',
      '# for rule invoices',
      'aws cloudformation deploy \\',
      '    --stack-name archive \\',
      '    --capabilities CAPABILITY_NAMED_IAM',
    ].join('\n'),
  );
});

test('in a terminal texts are wrapped, but JSON is not', async () => {
  let written = '';
  const output = { columns: 30, write: (text: string) => (written += text) };
  const io = {
    stdout: output,
    stderr: output,
    columns: 30,
    useProfile: () => undefined,
    env: {},
    cwd: '/',
    interrupted: new AbortController().signal,
    ask: null,
    now: () => 0,
    sleep: async () => undefined,
  };
  const long = 'one two three four five six seven eight nine\n';
  const speak: Record<string, Command> = {
    speak: async (_argv, { stdout }) => {
      stdout.write(long);
      return 0;
    },
  };
  await runCli(['speak'], io, speak);
  expect(written).toBe('one two three four five six\nseven eight nine\n');
  written = '';
  await runCli(['speak', '--json'], io, speak);
  expect(written).toBe(long);
});
