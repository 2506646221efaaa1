import { styleText } from 'node:util';
import type { CliIo, Output } from './io.ts';

/** Gives a text a colour or weight. Returns the text unchanged if the output cannot show styles. */
export type Style = (style: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string) => string;

/**
 * Returns the style of an output. A terminal has colours. `NO_COLOR` and `TERM=dumb` turn them off, and `FORCE_COLOR` turns them on for a
 * pipe (https://no-color.org, https://force-color.org).
 */
export const styleFor = (output: Output, env: CliIo['env']): Style => {
  const isColoured = hasColours(output, env);
  return (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text);
};

const hasColours = ({ isTTY = false }: Output, env: CliIo['env']): boolean => {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM } = env;
  if (NO_COLOR !== '') return false;
  if (FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTTY && TERM !== 'dumb';
};
