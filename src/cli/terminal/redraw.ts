import { Writable } from 'node:stream';
import { createLogUpdate } from 'log-update';
import type { Output } from './io.ts';
import { wrapText } from './wrap.ts';

/** A block of lines at the end of a terminal that is redrawn in place. */
export interface Redraw {
  draw(lines: readonly string[]): void;
  /** Removes the block. Call this before anything else is written. */
  clear(): void;
  /** Leaves the block on the screen. Later output appears below it. */
  keep(): void;
}

/** Creates a block at the end of a terminal. Lines that are too long are broken. If the block is too high, its first lines are left out. */
export const createRedraw = (terminal: Output): Redraw => {
  const log = createLogUpdate(streamOf(terminal), { showCursor: true });
  return {
    draw: (lines) => log(wrapText(lines.join('\n'), terminal.columns ?? Infinity)),
    clear: log.clear,
    keep: log.done,
  };
};

/** Makes the stream that `log-update` expects. A write ends at once, so that nothing else is written in between. */
const streamOf = (terminal: Output): Writable =>
  Object.defineProperties(
    new Writable({
      decodeStrings: false,
      write(text, _encoding, done) {
        terminal.write(String(text));
        done();
      },
    }),
    {
      isTTY: { value: true },
      columns: { get: () => terminal.columns },
      rows: { get: () => terminal.rows },
    },
  );
