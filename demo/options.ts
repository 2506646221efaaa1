/** The demo's command line. */
import { parseArgs } from 'node:util';
import { parseBytes } from './amounts.ts';

export interface DemoOptions {
  help: boolean;
  /** Stay up after the demo until Ctrl-C. */
  keep: boolean;
  /** Lines only, even in a terminal. */
  plain: boolean;
  /** Of the large object. */
  sizeBytes: number;
}

export const USAGE = `Replicates between two AWS accounts on this machine, deployed by \`serverless deploy\` itself.

Usage: npm run demo -- [options]

  --keep         Stay up afterwards and show how to use the AWS CLI and s3-replicator with it, until Ctrl-C.
  --size <size>  Size of the large object, e.g. 64MiB. Default: 1GiB. Twice as much disk is used meanwhile.
  --plain        One line per change instead of a table drawn over itself. Default where there is no terminal.
  --help         Show this help.

Exit codes: 0 both sides agree, 1 they differ or something failed, 2 wrong command line, 130 interrupted.
`;

/** What one invocation is sure to move within its 900 seconds is a little more. */
const LARGEST_BYTES = 30 * 1024 ** 3;

/** @throws UsageError */
export const parseOptions = (argv: string[]): DemoOptions => {
  const { values } = parsed(argv);
  const sizeBytes = parseBytes(values.size);
  if (sizeBytes === null || sizeBytes < 1 || sizeBytes > LARGEST_BYTES) {
    throw new UsageError(`--size takes 1B to 30GiB, e.g. 64MiB, not ${JSON.stringify(values.size)}`);
  }
  return { help: values.help, keep: values.keep, plain: values.plain, sizeBytes };
};

/** A mistake on the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const parsed = (argv: string[]) => {
  try {
    return parseArgs({
      args: argv,
      options: {
        keep: { type: 'boolean', default: false },
        size: { type: 'string', default: '1GiB' },
        plain: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
};
