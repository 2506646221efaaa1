import { CliError } from './errors.ts';
import type { CliIo } from './io.ts';

/** Asks a question. Any answer but yes means no. Throws {@link CliError} when there is no terminal. */
export const confirm = async (question: string, { ask }: Pick<CliIo, 'ask'>): Promise<boolean> => {
  if (ask === null)
    throw new CliError('nobody-to-ask', 'standard input or standard error is not a terminal.');
  return /^\s*y(es)?\s*$/i.test((await ask(`${question} [y/N] `)) ?? '');
};

/** For actions that cannot be undone: the person must type the word. Throws {@link CliError} otherwise. */
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
