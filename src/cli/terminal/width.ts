/** Fits text into columns of a terminal, where a character is zero, one or two columns wide. */
import stringWidth from 'string-width';

/** Returns the width of a text in columns. Colour codes have no width. */
export const textWidth = (text: string): number => stringWidth(text);

/**
 * Returns the text in at most `columns` columns. A longer text loses its middle, because keys often differ only at their ends. The text
 * must not contain colours.
 */
export const shorten = (text: string, columns: number): string => {
  if (text.length * 2 <= columns || textWidth(text) <= columns) return text;
  const segments = segmentsOf(text);
  const head = take(segments, Math.ceil((columns - 1) / 2));
  const tail = take(segments.toReversed(), columns - 1 - textWidth(head.join('')));
  return `${head.join('')}…${tail.toReversed().join('')}`;
};

/** Returns the text in at most `columns` columns. A longer text loses its end, as titles do. */
export const shortenEnd = (text: string, columns: number): string =>
  textWidth(text) <= columns ? text : `${take(segmentsOf(text), columns - 1).join('')}…`;

/** Adds spaces to a text, so that it fills `columns` columns. */
export const pad = (text: string, columns: number, align: 'left' | 'right' = 'left'): string => {
  const space = ' '.repeat(Math.max(0, columns - textWidth(text)));
  return align === 'left' ? text + space : space + text;
};

/** Returns the text in exactly `columns` columns: {@link shorten} or {@link pad}. */
export const fit = (text: string, columns: number): string => pad(shorten(text, columns), columns);

const segmentsOf = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Takes segments from the beginning as long as they fit. */
const take = (segments: readonly string[], columns: number): string[] => {
  let left = columns;
  const end = segments.findIndex((segment) => (left -= textWidth(segment)) < 0);
  return end === -1 ? [...segments] : segments.slice(0, end);
};
