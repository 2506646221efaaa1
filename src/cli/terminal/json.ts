/**
 * Formats the result of a command as JSON, for `--json`. Anybody who may write into a source bucket can choose its keys, and the output
 * may go to a terminal. `JSON.stringify` escapes only some control characters. This function escapes all invisible characters. JSON
 * parsers read the result as the same text.
 */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(HIDDEN, inJson)}\n`;

/** Formats one value of a stream of JSON lines. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value).replace(HIDDEN, inJson)}\n`;

/**
 * Matches the characters that `printable` also escapes: control, format, surrogate, private and unassigned characters, and white space
 * other than the plain space. Line ends are not matched: those between members must stay, and those inside a text are escaped already.
 */
const HIDDEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** Escapes a character in JSON. A character outside the basic plane has no single escape, so each half of its surrogate pair is escaped. */
const inJson = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
