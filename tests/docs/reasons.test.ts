/**
 * The table of reasons in docs/reasons.md is generated from the table in the code.
 *
 * After a change of the table in the code run `npx vitest run tests/docs/reasons.test.ts -u`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { DEAD_LETTER_REASONS } from '../../src/lib/dead-letters/reasons.ts';
import { ALL_REASONS, type ReasonEntry, reasonEntry } from '../../src/lib/model/reasons.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/reasons.md');

const tableOf = (reasons: Iterable<[string, ReasonEntry]>): string =>
  [
    '| reason | meaning | what to do |',
    '| --- | --- | --- |',
    ...[...reasons].map(([reason, { meaning, fix }]) => `| \`${reason}\` | ${meaning} | ${fix} |`),
  ].join('\n');

const retried = ALL_REASONS.filter((reason) => !DEAD_LETTER_REASONS.has(reason));
const tables = (): string =>
  [
    tableOf(DEAD_LETTER_REASONS),
    'These reasons only stand in the log, because the message is tried again by itself:',
    tableOf(retried.map((reason) => [reason, reasonEntry(reason)])),
  ].join('\n\n');

test('docs/reasons.md has the table of reasons that the code has', async () => {
  const [before = '', , after = ''] = readFileSync(DOCUMENT, 'utf8').split(
    /<!-- (?:end of )?reasons.*?-->\n/,
  );
  const text = `${before}<!-- reasons: written by tests/docs/reasons.test.ts -->\n\n${tables()}\n\n<!-- end of reasons -->\n${after}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
});
