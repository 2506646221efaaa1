import { CliError } from './errors.ts';
import type { CliIo } from './io.ts';

/**
 * Asks a question. Resolves to true when the answer is yes, and to false for any other answer. Throws {@link CliError} when there is no
 * terminal.
 */
export const confirm = async (question: string, { ask }: Pick<CliIo, 'ask'>): Promise<boolean> => {
  if (ask === null)
    throw new CliError('nobody-to-ask', 'standard input or standard error is not a terminal.');
  return /^\s*y(es)?\s*$/i.test((await ask(`${question} [y/N] `)) ?? '');
};

/**
 * Asks for confirmation of an action that cannot be undone, by making the operator type a word. Throws {@link CliError} when the typed text
 * is not that word.
 */
export const confirmByTyping = async (
  { warning, word }: { warning: string; word: string },
  { ask, stderr }: Pick<CliIo, 'ask' | 'stderr'>,
): Promise<void> => {
  if (ask === null)
    throw new CliError('not-confirmed', 'standard input or standard error is not a terminal.');
  stderr.write(`${warning}\n`);
  const typed = await ask(`Type ${word} to continue: `);
  if (typed?.trim() !== word) throw new CliError('not-confirmed', `the text typed is not ${word}.`);
};
