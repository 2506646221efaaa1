/** Lets a request of the page answer the questions that a command asks at the terminal, so that both confirm the same. */
import type { CliIo, Output } from '../terminal/io.ts';
import type { Fields } from './request-body.ts';

/** Thrown when a command asks and the request has no answer. Nothing has been changed by then. */
export class QuestionAsked extends Error {
  override readonly name = 'QuestionAsked';
  readonly question: string;
  /** What the command said before it asked. */
  readonly warning: string;

  constructor(question: string, warning: string) {
    super(question);
    this.question = question;
    this.warning = warning;
  }
}

/**
 * Returns an {@link CliIo} without a terminal. `typed` answers a question that wants a word, `yes` one that wants a yes. Notes of the command
 * are added to `notes`.
 */
export const answeringIo = (io: CliIo, { typed, yes }: Fields, notes: string[] = []): CliIo => {
  const stderr: Output = { write: (text) => void notes.push(text.trimEnd()) };
  return {
    ...io,
    columns: Infinity,
    stdout: { write: () => undefined },
    stderr,
    async ask(question) {
      const answer = question.startsWith('Type ') ? typed : yes === true ? 'yes' : undefined;
      if (typeof answer !== 'string') throw new QuestionAsked(question.trim(), notes.join('\n'));
      return answer;
    },
  };
};
