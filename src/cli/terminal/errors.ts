import { EXIT } from './io.ts';
import type { Style } from './style.ts';

interface ErrorEntry {
  title: string;
  /** The next step, in one sentence. */
  fix: string;
  exitCode: number;
}

/**
 * All errors with which a command can end. Problems in replication.yml are not in this table, because their fixes are defined elsewhere.
 */
const ERRORS = {
  'unknown-command': {
    title: 'Unknown command',
    fix: 'Run `s3-replicator --help` to see the commands.',
    exitCode: EXIT.usage,
  },
  'unknown-option': {
    title: 'Unknown option',
    fix: 'Run the command with --help to see its options.',
    exitCode: EXIT.usage,
  },
  'bad-value': {
    title: 'Bad option value',
    fix: 'Run the command with --help to see the values of the option.',
    exitCode: EXIT.usage,
  },
  'unexpected-argument': {
    title: 'Unexpected argument',
    fix: 'Run the command with --help to see its arguments; quote values that contain spaces.',
    exitCode: EXIT.usage,
  },
  'missing-argument': {
    title: 'Missing argument',
    fix: 'Run the command with --help to see its arguments; `s3-replicator backfill list` shows the runs.',
    exitCode: EXIT.usage,
  },
  'missing-answer': {
    title: 'Missing answers',
    fix: 'Give these options, or take the recommended answers with --yes, or run the command in a terminal.',
    exitCode: EXIT.usage,
  },
  'file-exists': {
    title: 'There already',
    fix: 'Run the command in an empty folder, or edit the file that is there. Nothing was written.',
    exitCode: EXIT.failure,
  },
  'not-written': {
    title: 'A file cannot be written',
    fix: 'Check the folder and its permissions. Nothing was left behind.',
    exitCode: EXIT.failure,
  },
  'bad-request': {
    title: 'This cannot be run',
    fix: 'Compare the options with replication.yml (`s3-replicator config check` shows its rules).',
    exitCode: EXIT.usage,
  },
  'nobody-to-ask': {
    title: 'No terminal to ask on',
    fix: 'Check the estimate with --dry-run, then run the command again with --yes.',
    exitCode: EXIT.usage,
  },
  'not-confirmed': {
    title: 'Not confirmed',
    fix: 'Nothing was changed. Run the command in a terminal, and type the word that it asks for; its --dry-run, or `verify start`, shows what it would delete.',
    exitCode: EXIT.failure,
  },
  'no-export': {
    title: 'Export not written',
    fix: 'Nothing was deleted. Name another file with --export.',
    exitCode: EXIT.failure,
  },
  'run-refused': {
    title: 'Refused',
    fix: 'Check the runs with `s3-replicator backfill list`.',
    exitCode: EXIT.failure,
  },
  'no-configuration': {
    title: 'Configuration not readable',
    fix: 'Run the command in the folder of replication.yml, or name the file with --config.',
    exitCode: EXIT.failure,
  },
  'unfit-service': {
    title: 'The S3 service cannot be used like this',
    fix: 'docs/other-s3.md says what each answer means. Nothing was written but the probe, which was removed.',
    exitCode: EXIT.failure,
  },
  'not-packaged': {
    title: 'The stack is not packaged',
    fix: 'Run the command in the folder of serverless.yml after `npm ci`, and see what `npx serverless package` says.',
    exitCode: EXIT.failure,
  },
  'foreign-folder': {
    title: 'Not a folder of a build',
    fix: 'Nothing was written. Name an empty folder, or one that an earlier build has written.',
    exitCode: EXIT.failure,
  },
  'no-credentials': {
    title: 'No AWS credentials',
    fix: 'Sign in to the source account (AWS_PROFILE, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), then run the command again.',
    exitCode: EXIT.failure,
  },
  'no-profile': {
    title: 'No such AWS profile',
    fix: 'Name one of the profiles that `aws configure list-profiles` shows, or create it with `aws configure sso`.',
    exitCode: EXIT.failure,
  },
  'bad-credentials': {
    title: 'AWS refused the credentials',
    fix: 'The credentials are wrong or have expired: sign in to the source account again.',
    exitCode: EXIT.failure,
  },
  'access-denied': {
    title: 'Access denied',
    fix: 'Allow your user or role the action named above (docs/operations.md and docs/backfill.md list the permissions that the commands need).',
    exitCode: EXIT.failure,
  },
  'no-queue': {
    title: 'Queue or function not found',
    fix: 'Check --stage, --region and the account you are signed in to (`aws sts get-caller-identity`), and that the stack is deployed.',
    exitCode: EXIT.failure,
  },
  'no-bucket': {
    title: 'Bucket not found',
    fix: 'Correct the name or region of the bucket, or create the bucket.',
    exitCode: EXIT.failure,
  },
  'wrong-owner': {
    title: 'Bucket of another account',
    fix: 'Correct the name of the bucket in replication.yml, or write `account:` beside it if it belongs to a third account on purpose.',
    exitCode: EXIT.failure,
  },
  'not-trusted': {
    title: 'The replication role does not trust you',
    fix: 'With --destination-profile, name a profile that may reach the destination bucket. Without --local, the functions compare.',
    exitCode: EXIT.failure,
  },
  'no-table': {
    title: 'Table not found',
    fix: 'Check --stage, --region and the account you are signed in to (`aws sts get-caller-identity`), and that the stack is deployed.',
    exitCode: EXIT.failure,
  },
  'no-key': {
    title: 'The stack has no key yet',
    fix: 'Deploy the stack and let it replicate one object: it creates the key with its first replica.',
    exitCode: EXIT.failure,
  },
  unreachable: {
    title: 'AWS cannot be reached',
    fix: 'Check the network, the region and AWS_ENDPOINT_URL, then run the command again.',
    exitCode: EXIT.failure,
  },
  'aws-failed': {
    title: 'AWS answered with an error',
    fix: 'Read the answer; running the command again is safe.',
    exitCode: EXIT.failure,
  },
} as const satisfies Record<string, ErrorEntry>;

type CliErrorCode = keyof typeof ERRORS;

/** The failure of a command. The code is one of the table above, and the message describes this particular failure. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  /** The next step, in one sentence. */
  readonly fix: string;
  /** Other mistakes of the same command line. */
  readonly others: readonly CliError[];

  /** `fix` replaces the fix of the table when a better next step is known. */
  constructor(
    code: CliErrorCode,
    message: string,
    options: { cause?: unknown; fix?: string; others?: readonly CliError[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.fix = options.fix ?? ERRORS[code].fix;
    this.others = options.others ?? [];
  }

  get title(): string {
    return ERRORS[this.code].title;
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  /** Returns the text for standard error: title and message on a line for each error, then the line of the fix. */
  format(style: Style = (_, text) => text): string {
    const lines = [this, ...this.others].map(
      ({ title, message }) => `${style('red', `s3-replicator: ${title}:`)} ${message}\n`,
    );
    return `${lines.join('')}fix: ${this.others.length === 0 ? this.fix : FIX_ALL}\n`;
  }
}

const FIX_ALL = 'Run the command with --help to see its options and their values.';

/** Returns one error for all mistakes of a command line. */
export const togetherErrors = ([first, ...others]: readonly CliError[]): CliError => {
  if (first === undefined) throw new TypeError('there is no error');
  return new CliError(first.code, first.message, { others });
};
