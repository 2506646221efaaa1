/** All commands in real terminals of several widths. */
import { expect, test } from 'vitest';
import { textWidth } from '../../../src/cli/terminal/width.ts';
import { converse, HAS_PSEUDO_TERMINAL } from '../pseudo-terminal.ts';
import { ROOT } from '../run.ts';

const PROGRAM = `'${process.execPath}' '${ROOT}tests/cli/terminal/program.ts'`;

/** A single word cannot be broken: a path or an ARN stays whole, so that it can be copied. */
const isWord = (line: string): boolean => /^ *\S+$/.test(line);

// Skipped where util-linux does not provide the program `script`.
test.skipIf(!HAS_PSEUDO_TERMINAL)(
  'in terminals of 60, 80 and 120 columns no line of help, tables, progress or errors is wider',
  async () => {
    await Promise.all(
      [60, 80, 120].map(async (columns) => {
        const { end, shown } = converse(PROGRAM, {
          cwd: ROOT,
          env: { ...process.env, COLUMNS: undefined, TERM: 'xterm' },
          columns,
        });
        await end;
        const lines = shown().split(/[\r\n]+/);
        expect(lines.filter((line) => textWidth(line) > columns && !isWord(line))).toEqual([]);
        expect(lines).toContain('All is shown.');
        for (const part of [
          'Usage: s3-replicator dlq redrive',
          'copying: ',
          'RULE → DEST',
          'has one problem',
          'Did you mean --limit?',
        ])
          expect(shown()).toContain(part);
      }),
    );
  },
  60_000,
);
