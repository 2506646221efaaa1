/** All commands in real terminals of several widths. */
import { expect, test } from 'vitest';
import { textWidth } from '../../../src/cli/terminal/width.ts';
import { converse, HAS_PSEUDO_TERMINAL } from '../pseudo-terminal.ts';
import { ROOT } from '../run.ts';
import { screenAfter } from './screen.ts';

const PROGRAM = `'${process.execPath}' '${ROOT}tests/cli/terminal/program.ts'`;

/**
 * Whether the line is a single word. Such a line may be wider than the terminal, because a path or an ARN is not broken, so that it can be
 * copied.
 */
const isWord = (line: string): boolean => /^ *\S+$/.test(line);

/** What the screen shows after `status --watch` has drawn three times. Each drawing takes the place of the one before. */
const watched = (written: string, columns: number) => {
  const [, text = ''] = /\$ status --watch\r?\n(.*)\$ end of status/s.exec(written) ?? [];
  const lines = screenAfter(text);
  return {
    heads: lines.filter((line) => line.startsWith('RULE →')).length,
    alarms: lines.filter((line) => line.startsWith('alarms ')).length,
    tooWide: lines.filter((line) => textWidth(line) > columns),
  };
};

// Skipped where util-linux does not provide the program `script`.
test.skipIf(!HAS_PSEUDO_TERMINAL)(
  'in terminals of 60, 80 and 120 columns no line of help, tables, progress or errors is wider',
  async () => {
    await Promise.all(
      [60, 80, 120].map(async (columns) => {
        const { end, shown, written } = converse(PROGRAM, {
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
        expect(watched(written(), columns)).toEqual({ heads: 1, alarms: 3, tooWide: [] });
      }),
    );
  },
  60_000,
);
