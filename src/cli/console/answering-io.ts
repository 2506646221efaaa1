/** Lets a request of the page answer the questions of a command, so that the page asks for the same confirmations as the terminal. */
import type { CliIo, Output } from '../terminal/io.ts';
import type { Fields } from './request-body.ts';

/** Thrown when a command asks a question and the request has no answer to it. The command has changed nothing by then. */
export class QuestionAsked extends Error {
  override readonly name = 'QuestionAsked';
  readonly question: string;
  /** The notes that the command wrote before it asked. */
  readonly warning: string;

  constructor(question: string, warning: string) {
    super(question);
    this.question = question;
    this.warning = warning;
  }
}

/** How many characters fit into a line of a dialog. */
const COLUMNS = 70;

/**
 * Returns an {@link CliIo} without a terminal. `typed` answers the questions that expect a word, and `yes` those that expect a yes. The
 * notes of the command are added to `notes`.
 */
export const answeringIo = (io: CliIo, { typed, yes }: Fields, notes: string[] = []): CliIo => {
  const stderr: Output = { write: (text) => void notes.push(text.trimEnd()) };
  return {
    ...io,
    columns: COLUMNS,
    stdout: { write: () => undefined },
    stderr,
    async ask(question) {
      const answer = question.startsWith('Type ') ? typed : yes === true ? 'yes' : undefined;
      if (typeof answer !== 'string') throw new QuestionAsked(question.trim(), notes.join('\n'));
      return answer;
    },
  };
};
