/** Converts errors to answers. */
import { asCliError } from '../aws-errors.ts';
import { CliError } from '../terminal/errors.ts';
import { EXIT } from '../terminal/io.ts';
import type { Problem } from './api.ts';
import { QuestionAsked } from './answering-io.ts';
import { BodyError } from './request-body.ts';

/** The status of an error that is a mistake in this program. */
export const BUG = 500;

export const problemOf = (error: unknown): { status: number; body: Problem } => {
  if (error instanceof QuestionAsked)
    return { status: 409, body: { message: error.warning, question: error.question } };
  if (error instanceof BodyError) return { status: error.status, body: { message: error.message } };
  const failure = asCliError(error);
  if (!(failure instanceof CliError))
    return { status: BUG, body: { message: 'An unexpected error. The terminal of the console shows it.' } };
  const { code, title, others, exitCode } = failure;
  const message = [failure, ...others].map((each) => each.message).join(' ');
  // What to do about a wrong option or a wrong answer at a terminal does not help in front of the page.
  if (exitCode === EXIT.usage || code === 'not-confirmed') return { status: 422, body: { title, message } };
  return { status: code === 'run-refused' ? 422 : 502, body: { title, message, fix: failure.fix } };
};
