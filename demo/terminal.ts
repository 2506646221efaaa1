/** Writes the output of the demo. The output consists of sentences and, in a terminal, a block below them that is redrawn in place. */
import type { Output } from '../src/cli/terminal/io.ts';
import { createRedraw } from '../src/cli/terminal/redraw.ts';
import { type Style, styleFor } from '../src/cli/terminal/style.ts';
import { wrapParagraph } from '../src/cli/terminal/wrap.ts';

export interface Terminal {
  /** Whether {@link Terminal.draw} has an effect. If it does not, the caller reports changes as lines. */
  isLive: boolean;
  columns: number;
  rows: number;
  style: Style;
  /** Writes a line of text above the block. */
  line(text?: string): void;
  /** Redraws the block. */
  draw(lines: string[]): void;
  /** Leaves the block on the screen. Later output appears below it. */
  keep(): void;
  /** Removes the block. */
  clear(): void;
}

/** Creates a terminal on a screen. If `plain` is true, nothing is redrawn in place. */
export const createTerminal = (screen: Output, { plain = false } = {}): Terminal => {
  const isLive = !plain && screen.isTTY === true && process.env['TERM'] !== 'dumb';
  const block = createRedraw(screen);
  let drawn: string[] = [];
  return {
    isLive,
    get columns() {
      return screen.columns || 100;
    },
    get rows() {
      return screen.rows || 24;
    },
    style: styleFor(screen, process.env),
    line(text = '') {
      if (drawn.length > 0) block.clear();
      screen.write(`${screen.isTTY === true ? wrapped(text, screen.columns || 100) : text}\n`);
      if (drawn.length > 0) block.draw(drawn);
    },
    draw(lines) {
      if (!isLive) return;
      drawn = lines;
      block.draw(lines);
    },
    keep() {
      drawn = [];
      block.keep();
    },
    clear() {
      if (drawn.length > 0) block.clear();
      drawn = [];
    },
  };
};

/** Breaks the lines that report a result (`  ✔ …`). Commands and the output of commands stay as they are. */
const wrapped = (text: string, columns: number): string =>
  /^ {2}\S*✔/.test(text) ? `  ${wrapParagraph(text.trimStart(), columns, 4)}` : text;
