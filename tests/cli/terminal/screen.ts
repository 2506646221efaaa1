/** What a terminal shows after a text with control sequences was written to it. Only the sequences of `log-update` are understood. */

const CONTROL = '\u001b[';

/** Returns the lines of the screen, without spaces at their ends. The screen has no height, so nothing is scrolled away. */
export const screenAfter = (text: string): string[] => {
  const lines: string[][] = [];
  let [row, column] = [0, 0];
  const current = (): string[] => (lines[row] ??= []);
  const write = (character: string): void => {
    if (character === '\r') column = 0;
    else if (character === '\n') row += 1;
    else current()[column++] = character;
  };
  const obey = (command: string, parameter: string): void => {
    const count = Number(parameter) || 1;
    if (command === 'A') row = Math.max(0, row - count);
    if (command === 'B') row += count;
    if (command === 'E') [row, column] = [row + count, 0];
    if (command === 'G') column = count - 1;
    if (command === 'K') current().splice(parameter === '2' ? 0 : column);
    if (command === 'J') lines.splice(row, Infinity, current().slice(0, column));
  };
  const [first = '', ...others] = text.split(CONTROL);
  for (const character of first) write(character);
  for (const other of others) {
    const [whole = '', parameter = '', command = ''] = /^([?0-9;]*)([A-Za-z])/.exec(other) ?? [];
    obey(command, parameter);
    for (const character of other.slice(whole.length)) write(character);
  }
  return Array.from(lines, (line: string[] | undefined) =>
    Array.from(line ?? [], (each: string | undefined) => each ?? ' ')
      .join('')
      .trimEnd(),
  );
};
