/** HTML templates in which every inserted value is escaped as text, unless it is HTML from here. */
import { printable } from '../../text/printable.ts';

export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[];

/** Anyone who may write into the bucket chooses the keys, so invisible characters and changes of text direction are escaped as well. */
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
