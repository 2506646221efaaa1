/**
 * The table of reasons in docs/operations.md is generated from the table in the code.
 *
 * After a change of the table in the code run `npx vitest run tests/docs/reasons.test.ts -u`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { DEAD_LETTER_REASONS } from '../../src/lib/dead-letters/reasons.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/operations.md');

const table = (): string =>
  [
    '| reason | meaning | what to do |',
    '| --- | --- | --- |',
    ...[...DEAD_LETTER_REASONS].map(
      ([reason, { meaning, fix }]) => `| \`${reason}\` | ${meaning} | ${fix} |`,
    ),
  ].join('\n');

test('docs/operations.md has the table of reasons that the code has', async () => {
  const [before = '', , after = ''] = readFileSync(DOCUMENT, 'utf8').split(
    /<!-- (?:end of )?reasons.*?-->\n/,
  );
  const text = `${before}<!-- reasons: written by tests/docs/reasons.test.ts -->\n\n${table()}\n\n<!-- end of reasons -->\n${after}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
});
