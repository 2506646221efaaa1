/** HTML in which whatever is put in is text, unless it is HTML made here. */
import { printable } from '../../text/printable.ts';

export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[];

/** Keys come from whoever may write into the bucket: what cannot be seen, or turns the direction of text, is escaped as well. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: texts.reduce((all, text, index) => all + asHtml(parts[index - 1] ?? '') + text),
});

const asHtml = (part: Part): string => {
  if (typeof part === 'string') return escaped(printable(part));
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map((each) => each.html).join('');
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
