import { printable } from '../../lib/text/printable.ts';
import type { Story } from './story.ts';

/** The longest label and two spaces. */
const MARGIN = 13;

export const storyText = ({ headline, lines }: Story): string =>
  [headline, ...lines.map(({ label, text }) => `${label.padEnd(MARGIN)}${printable(text)}`), ''].join('\n');
