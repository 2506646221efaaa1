import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { PROGRAM } from '../../src/cli/main.ts';
import { EXIT } from '../../src/cli/terminal/io.ts';
import { ROOT } from './run.ts';

const cli = readFileSync(`${ROOT}docs/cli.md`, 'utf8');

test.each(ALL_COMMANDS)('docs/cli.md describes every option of $name', ({ name, options }) => {
  expect(cli).toContain(`## \`${name}\``);
  for (const option of Object.keys(options)) expect(cli).toMatch(new RegExp(`\`--${option}\\b`));
});

test('the help of the program lists the commands that can be completed, with the same summaries', () => {
  expect(Object.entries(PROGRAM.subcommands ?? {}).toSorted()).toEqual(
    ALL_COMMANDS.map(({ name, summary }) => [name, summary]).toSorted(),
  );
});

test('docs/cli.md gives every exit code', () => {
  for (const code of Object.values(EXIT)) expect(cli).toMatch(new RegExp(`\\| ${code} +\\|`));
});
