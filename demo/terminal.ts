/** Writes the output of the demo. The output consists of sentences and, in a terminal, a block below them that is redrawn in place. */
import { styleText } from 'node:util';

export type Style = (style: 'dim' | 'bold' | 'green' | 'yellow' | 'red', text: string) => string;

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

/** The part of `process.stdout` that the terminal uses. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** Creates a terminal on a screen. If `plain` is true, nothing is redrawn in place. */
export const createTerminal = (screen: Screen, { plain = false } = {}): Terminal => {
  const isLive = !plain && screen.isTTY === true;
  let drawn: string[] = [];
  const erase = (): string => (drawn.length === 0 ? '' : `\r\u001b[${drawn.length}A\u001b[J`);
  const show = (): string => drawn.map((line) => `${line}\n`).join('');
  return {
    isLive,
    get columns() {
      return screen.columns ?? 100;
    },
    get rows() {
      return screen.rows ?? 24;
    },
    style: (style, text) => (screen.isTTY ? styleText(style, text, { validateStream: false }) : text),
    line: (text = '') => screen.write(`${erase()}${text}\n${show()}`),
    draw(lines) {
      if (!isLive) return;
      const before = erase();
      drawn = lines;
      // Everything is written at once and with a hidden cursor, to avoid flicker.
      screen.write(`\u001b[?25l${before}${show()}\u001b[?25h`);
    },
    keep() {
      drawn = [];
    },
    clear() {
      screen.write(erase());
      drawn = [];
    },
  };
};
