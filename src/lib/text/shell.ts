/** Commands for POSIX shells, ready to paste. */

/** Quotes a word if a shell would not read it literally. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Joins words to a command of lines with at most `width` characters. The words of a group, such as an option and its value, stay on one line.
 * A longer group has a line of its own.
 */
export const shellCommand = (groups: readonly (readonly string[])[], width = 80): string => {
  const lines: string[] = [];
  let line = '';
  for (const group of groups.map((words) => words.map(shellWord).join(' '))) {
    if (line !== '' && line.length + ' '.length + group.length + ' \\'.length > width) {
      lines.push(line);
      line = `  ${group}`;
    } else line = line === '' ? group : `${line} ${group}`;
  }
  return [...lines, line].join(' \\\n');
};
