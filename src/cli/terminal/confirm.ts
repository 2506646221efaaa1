import { CliError } from './errors.ts';
import type { CliIo } from './io.ts';

/** A question to be answered with yes; anything else is no. Throws {@link CliError} where nobody can answer. */
export const confirm = async (question: string, { ask }: Pick<CliIo, 'ask'>): Promise<boolean> => {
  if (ask === null) throw new CliError('nobody-to-ask', 'standard input or standard error is no terminal.');
  return /^\s*y(es)?\s*$/i.test((await ask(`${question} [y/N] `)) ?? '');
};

/** For what cannot be taken back: the word itself has to be typed. Throws {@link CliError} where it is not. */
export const confirmByTyping = async (
  { warning, word }: { warning: string; word: string },
  { ask, stderr }: Pick<CliIo, 'ask' | 'stderr'>,
): Promise<void> => {
  if (ask === null) throw new CliError('not-confirmed', 'standard input or standard error is no terminal.');
  stderr.write(`${warning}\n`);
  const typed = await ask(`Type ${word} to go on: `);
  if (typed?.trim() !== word) throw new CliError('not-confirmed', `what was typed is not ${word}.`);
};
