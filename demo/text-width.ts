/** Computes the width of text in a terminal, where a character is not always one column wide. */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Returns the width of a text in columns. The text must not contain control characters; see `printable`. */
const textWidth = (text: string): number => segmentsOf(text).reduce((sum, { width }) => sum + width, 0);

/** Returns the text in exactly `columns` columns. A shorter text is padded, and the middle of a longer text is left out. */
export const fit = (text: string, columns: number): string => {
  const short = shorten(text, columns);
  return short + ' '.repeat(columns - textWidth(short));
};

/** Returns the text in at most `columns` columns. The middle of a longer text is left out. */
export const shorten = (text: string, columns: number): string => {
  if (textWidth(text) <= columns) return text;
  const segments = segmentsOf(text);
  const head = take(segments, Math.ceil((columns - 1) / 2));
  const tail = take(segments.toReversed(), columns - 1 - head.width);
  return `${head.segments.join('')}…${tail.segments.toReversed().join('')}`;
};

interface Segment {
  text: string;
  width: number;
}

const segmentsOf = (text: string): Segment[] =>
  Array.from(graphemes.segment(text), ({ segment }) => ({ text: segment, width: widthOf(segment) }));

const take = (segments: Segment[], columns: number): { segments: string[]; width: number } => {
  const taken = { segments: new Array<string>(), width: 0 };
  for (const { text, width } of segments) {
    if (taken.width + width > columns) break;
    taken.segments.push(text);
    taken.width += width;
  }
  return taken;
};

const widthOf = (grapheme: string): number => {
  if (/^\p{M}+$/u.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
};

/** Matches emoji and the characters of East Asian scripts, which are twice as wide as a Latin letter. */
const WIDE =
  /^\p{Emoji_Presentation}|^\p{Emoji}\ufe0f|^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
