/**
 * The table of docs/migrate.md is what `node scripts/migration-table.ts` prints. After a change of the model run
 * `npx vitest run tests/docs/migrate.test.ts -u`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = join(ROOT, 'docs/migrate.md');

test('docs/migrate.md has the table that the command prints from the model of the estimate', async () => {
  const table = execFileSync(process.execPath, [join(ROOT, 'scripts/migration-table.ts')], {
    encoding: 'utf8',
  });
  const [before = '', , after = ''] = readFileSync(DOCUMENT, 'utf8').split(/<!-- (?:end of )?table.*?-->\n/);
  const text = `${before}<!-- table: printed by scripts/migration-table.ts -->\n\n${table}\n<!-- end of table -->\n${after}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
});
