import stringWidth from 'string-width';

/** A line and a column of a text. Both numbers begin at 1. */
export interface Place {
  line: number;
  column: number;
}

/** Returns the line of a place with its number, and a caret below the place: two lines that fit 60 columns with an indentation of four. */
export const codeFrame = (text: string, { line, column }: Place): string[] => {
  const whole = (text.split(/\r?\n/)[line - 1] ?? '').replace(HIDDEN, ' ');
  const number = `${line} | `;
  const room = MAX_COLUMNS - number.length;
  // Only the part of a long line that is around the place is shown.
  const start = column - 1 < room - SHOWN_AFTER ? 0 : column - 1 - SHOWN_BEFORE;
  const shown = (start === 0 ? '' : '…') + whole.slice(start, start + room - 2);
  const before = (start === 0 ? '' : '…') + whole.slice(start, column - 1);
  const isCut = start + room - 2 < whole.length;
  return [
    `${number}${shown}${isCut ? '…' : ''}`.trimEnd(),
    `${' '.repeat(number.length - 2)}| ${' '.repeat(stringWidth(before))}^`,
  ];
};

const MAX_COLUMNS = 56;
const SHOWN_AFTER = 16;
const SHOWN_BEFORE = 20;

/** Matches every character that a terminal would not show as one character. Somebody else may have written the text of the file. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;
