/** Converts failures of AWS to errors of the command line, which have a code and a fix. */
import { operatorProblem } from '../lib/aws/errors.ts';
import { QueueError } from '../lib/dead-letters/queue.ts';
import { ReplicationError } from '../lib/model/errors.ts';
import { RunRefusedError } from '../lib/runs/control.ts';
import { CliError } from './terminal/errors.ts';

/**
 * Runs `work`. If `work` fails, throws its error as a {@link CliError}. Throws an unknown error unchanged, because such an error is a bug
 * in this program.
 */
export const withCliErrors = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    throw asCliError(error);
  }
};

/** Returns the {@link CliError} for an error. Returns an unknown error unchanged. */
export const asCliError = (error: unknown): unknown => {
  if (error instanceof RunRefusedError)
    return new CliError('run-refused', sentence(error.message), { cause: error });
  if (error instanceof QueueError)
    return new CliError(error.problem, sentence(error.message), { cause: error });
  if (!(error instanceof ReplicationError)) return error;
  // The operator named a rule that does not exist. That is a mistake in the request, not a failure of AWS.
  const code = error.reason === 'unknown-rule' ? 'bad-request' : operatorProblem(error);
  return new CliError(code, sentence(error.message), { cause: error });
};

/** Messages of the SDK end with a period, and ours do not. The text that is shown always ends with one. */
const sentence = (message: string): string => `${message.replace(/\.+$/, '')}.`;
