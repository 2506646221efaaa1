/** Converts errors to answers. */
import { asCliError } from '../aws-errors.ts';
import { CliError } from '../terminal/errors.ts';
import { EXIT } from '../terminal/io.ts';
import type { Problem } from './api.ts';
import { QuestionAsked } from './answering-io.ts';
import { BodyError } from './request-body.ts';

interface ProblemAnswer {
  status: number;
  body: Problem;
  /** Whether the error is a mistake in this program. */
  isBug: boolean;
}

export const problemOf = (error: unknown): ProblemAnswer => {
  if (error instanceof QuestionAsked)
    return { status: 409, body: { message: error.warning, question: error.question }, isBug: false };
  if (error instanceof BodyError)
    return { status: error.status, body: { message: error.message }, isBug: false };
  const failure = asCliError(error);
  if (!(failure instanceof CliError))
    return {
      status: 500,
      body: { message: 'An unexpected error. The terminal of the console shows it.' },
      isBug: true,
    };
  const { code, message, others, fix, exitCode } = failure;
  return {
    status: exitCode === EXIT.usage || code === 'not-confirmed' || code === 'run-refused' ? 422 : 502,
    body: { code, message: [message, ...others.map((each) => each.message)].join(' '), fix },
    isBug: false,
  };
};
