/** Where the demo writes: sentences, and below them a block that is drawn over itself where a person watches. */
import { styleText } from 'node:util';

export type Style = (style: 'dim' | 'bold' | 'green' | 'yellow' | 'red', text: string) => string;

export interface Terminal {
  /** Whether {@link Terminal.draw} draws. If not, say in lines what changes. */
  isLive: boolean;
  columns: number;
  rows: number;
  style: Style;
  /** Writes a line above the block. */
  line(text?: string): void;
  /** Draws the block anew. */
  draw(lines: string[]): void;
  /** Leaves the block as it stands and goes on below it. */
  keep(): void;
  /** Takes the block away. */
  clear(): void;
}

/** What is used of `process.stdout`. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** `plain`: never draw over anything. */
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
      // In one piece, and the cursor out of sight meanwhile: nothing flickers.
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
