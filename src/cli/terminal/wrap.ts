/** Breaks text into lines that fit the terminal. Words are never cut: a path or an ARN that is too long stays whole, so that it can be copied. */
import wrapAnsi from 'wrap-ansi';
import { textWidth } from './width.ts';

/**
 * Breaks lines that are longer than `columns`. The continuation of a line is indented like the text of the line, for example like the text
 * after `fix:`.
 */
export const wrapText = (text: string, columns: number): string =>
  text
    .split('\n')
    .map((line) => wrapLine(line, columns))
    .join('\n');

/** Breaks one text into lines. All lines but the first are indented by `indent` spaces. */
export const wrapParagraph = (text: string, columns: number, indent: number): string => {
  const width = Math.max(MIN_COLUMNS, columns - indent);
  return wrapAnsi(joined(text, width), width)
    .replaceAll(JOINED, ' ')
    .replaceAll('\n', `\n${' '.repeat(indent)}`);
};

/**
 * Breaks a command at spaces outside quotes, but not between an option and the value that follows. Each line but the last ends with a
 * backslash, so that a shell reads the lines as one command.
 */
export const wrapCommand = (command: string, columns: number, indent: number): string => {
  const lines: string[] = [];
  for (const word of command.match(WORDS) ?? []) {
    const last = lines.at(-1);
    const start = lines.length <= 1 ? indent : indent + DEEPER;
    const longer = `${last} ${word}`;
    // Two columns stay free for the backslash.
    if (last !== undefined && start + textWidth(longer) + 2 <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join(` \\\n${' '.repeat(indent + DEEPER)}`);
};

/** Minimum number of columns that are used, even if the terminal is narrower. */
const MIN_COLUMNS = 20;
const DEEPER = 4;

/** Matches an option with the value that follows, or one word. Quoted text belongs to the word. */
const WORDS = /(?:--[a-z-]+ (?=[^-|]))?(?:'[^']*'|"[^"]*"|\S)+/g;

const wrapLine = (line: string, columns: number): string => {
  // No character is wider than two columns.
  if (line.length * 2 <= columns || textWidth(line) <= columns) return line;
  const { spaces: margin = '', command, more = '' } = COMMAND.exec(line)?.groups ?? {};
  if (command !== undefined)
    return margin + wrapCommand(command, columns - more.length, margin.length) + more;
  const [mark = ''] = COMMENT.exec(line) ?? [];
  if (mark !== '')
    return (
      mark + wrapParagraph(line.slice(mark.length), columns - mark.length, 0).replaceAll('\n', `\n${mark}`)
    );
  const [start = ''] = INTRODUCED.exec(line) ?? SPACES.exec(line) ?? [];
  const [spaces = ''] = SPACES.exec(line) ?? [];
  const text = line.slice(start.length);
  const longest = Math.max(...text.split(' ').map(textWidth));
  const isNarrow = start.length > columns / 2 || start.length + longest > columns;
  if (!isNarrow || start === spaces) return start + wrapParagraph(text, columns, start.length);
  // The introduction takes more than half of the columns, or leaves too few for the longest word. Therefore the text begins on the line
  // below.
  const indent = spaces.length + DEEPER;
  return `${start.trimEnd()}\n${' '.repeat(indent)}${wrapParagraph(text, columns, indent)}`;
};

/** Matches a line for a shell, which may be continued on the next line. */
const COMMAND = /^(?<spaces> *)(?<command>(?:npx|aws|--[a-z-]+|\w+=) ?.*?)(?<more> \\)?$/;

const COMMENT = /^ *# /;

const SPACES = /^ */;

/**
 * Matches the introduction before the text of a line: a term and two spaces, as in `  from  s3://…`, or a word and a colon, as in `fix:
 * …`.
 */
const INTRODUCED = /^ *(?:\S+(?: \S+)*? {2,}|(?:fix|note|warning): )/;

/** Replaces the spaces of a command between backticks that fits on one line, so that no line break falls inside the command. */
const JOINED = '\u00a0';

const joined = (text: string, columns: number): string =>
  text.replace(/`[^`]*`/g, (code) => (code.length < columns ? code.replaceAll(' ', JOINED) : code));
