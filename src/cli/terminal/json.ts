/**
 * Formats the result of a command as JSON, for `--json`. Whoever may write into a source bucket chooses the keys, and the output may go to
 * a terminal. `JSON.stringify` escapes only some control characters. Here everything invisible is escaped, which JSON parsers read as
 * the same text.
 */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(HIDDEN, inJson)}\n`;

/** Formats one value of a stream of JSON lines. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value).replace(HIDDEN, inJson)}\n`;

/**
 * Matches the characters that `printable` escapes too: control, format, surrogate, private and unassigned characters, and white space
 * other than the plain space. The line ends between the members are not matched. Line ends inside a text are escaped already.
 */
const HIDDEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** JSON has no escape for a character outside the basic plane, but one for each half of its surrogate pair. */
const inJson = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
