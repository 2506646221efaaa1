/**
 * The table of causes in docs/doctor.md is generated from the table in the code.
 *
 * After a change of the table in the code run `npx vitest run tests/docs/doctor.test.ts -u`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { ALL_CAUSES } from '../../src/cli/doctor/causes.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/doctor.md');

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

const tables = (): string =>
  ALL_CAUSES.map(([group, causes]) =>
    [
      `### ${group}`,
      '',
      '| cause | verdict | what is asked | what it means | fix |',
      '| --- | --- | --- | --- | --- |',
      ...Object.entries(causes).map(
        ([id, { verdict, asks, means, fix }]) =>
          `| \`${id}\` | ${verdict} | ${cell(asks)} | ${cell(means)} | ${cell(fix)} |`,
      ),
    ].join('\n'),
  ).join('\n\n');

test('docs/doctor.md has the table of causes that the code has', async () => {
  const [before = '', , after = ''] = readFileSync(DOCUMENT, 'utf8').split(/<!-- (?:end of )?causes.*?-->\n/);
  const text = `${before}<!-- causes: written by tests/docs/doctor.test.ts -->\n\n${tables()}\n\n<!-- end of causes -->\n${after}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
});
