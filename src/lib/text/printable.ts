/**
 * Makes text from messages safe to show in a terminal. Anyone who may write into a source bucket chooses the keys. Unescaped
 * control characters in a key could clear the screen, and invisible or right-to-left characters could imitate another key.
 *
 * Letters of every script, combining marks and emoji stay unchanged. Everything invisible is escaped as in JavaScript source. The
 * backslash is escaped too, so that two different keys never look alike.
 */
export const printable = (text: string): string =>
  text.replace(HIDDEN, escape).replace(/^ | $/g, String.raw`\x20`);

/**
 * Matches control, format, surrogate, private and unassigned characters, all white space except the plain space, and the
 * backslash.
 */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\\]|(?! )\p{Zs}/gu;

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const escape = (character: string): string => {
  const named = NAMED[character];
  if (named !== undefined) return named;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
};
