/** Failures of AWS as errors of the command line, each with a code and a fix. */
import { operatorProblem } from '../lib/aws/errors.ts';
import { QueueError } from '../lib/dead-letters/queue.ts';
import { ReplicationError } from '../lib/model/errors.ts';
import { RunRefusedError } from '../lib/runs/control.ts';
import { CliError } from './terminal/errors.ts';

/** Runs the work and throws its failure as a {@link CliError}. Throws an unknown error unchanged: it is a bug in this program. */
export const withCliErrors = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    throw asCliError(error);
  }
};

/** The {@link CliError} for a failure. Returns an unknown error unchanged. */
export const asCliError = (error: unknown): unknown => {
  if (error instanceof RunRefusedError)
    return new CliError('run-refused', `${error.message}.`, { cause: error });
  if (error instanceof QueueError) return new CliError(error.problem, `${error.message}.`, { cause: error });
  if (!(error instanceof ReplicationError)) return error;
  // This reason is about the request, not about AWS.
  const code = error.reason === 'unknown-rule' ? 'bad-request' : operatorProblem(error);
  return new CliError(code, `${error.message}.`, { cause: error });
};
