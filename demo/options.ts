/** Parses the demo's command line. */
import { parseArgs } from 'node:util';
import { parseByteSize } from '../src/lib/text/byte-size.ts';

export interface DemoOptions {
  help: boolean;
  /** Whether both accounts keep running after the demo, until Ctrl-C. */
  keep: boolean;
  /** Whether the console is served after the demo, until Ctrl-C. */
  console: boolean;
  /** Whether to print only lines and no table, even in a terminal. */
  plain: boolean;
  /** The size of the large object. */
  sizeBytes: number;
}

export const USAGE = `Replicates between two local AWS accounts on this machine, after a real \`serverless deploy\`.

Usage: npm run demo -- [options]

  --keep         Keep both accounts up until Ctrl-C, and show how to use them with the AWS CLI and s3-replicator.
  --console      Serve the console of the deployment until Ctrl-C, and print its link.
  --size <size>  Size of the large object, e.g. 1GiB. Default: 64MiB. The demo needs twice as much disk space.
  --plain        Print one line per change, not a live table. This is the default without a terminal.
  --help         Show this help.

Exit codes: 0 both sides agree, 1 they differ or a step failed, 2 wrong command line, 130 interrupted.
`;

/** Maximum size of the large object. The demo needs twice as much disk space, and minutes for this size. */
const LARGEST_BYTES = 30 * 1024 ** 3;

/** @throws UsageError */
export const parseOptions = (argv: string[]): DemoOptions => {
  const { values } = parsed(argv);
  const sizeBytes = parseByteSize(values.size);
  if (typeof sizeBytes === 'string' || sizeBytes < 1 || sizeBytes > LARGEST_BYTES) {
    throw new UsageError(`--size takes 1B to 30GiB, e.g. 64MiB, not ${JSON.stringify(values.size)}`);
  }
  return { help: values.help, keep: values.keep, console: values.console, plain: values.plain, sizeBytes };
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
        console: { type: 'boolean', default: false },
        size: { type: 'string', default: '64MiB' },
        plain: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
};
