/** HTML templates that escape every inserted value, unless the value was itself made by a template. */
import { printable } from '../../text/printable.ts';

export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[];

/**
 * Creates HTML from a template. Keys are chosen by anyone who may write into the bucket, so invisible characters and changes of
 * text direction are escaped as well.
 */
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
