import { EXIT } from './io.ts';

interface ErrorEntry {
  title: string;
  /** What to do next, in one sentence. */
  fix: string;
  exitCode: number;
}

/** Every error a command can end with, apart from problems in replication.yml, which carry their own. */
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
    fix: 'Run the command with --help to see what the option takes.',
    exitCode: EXIT.usage,
  },
  'unexpected-argument': {
    title: 'Unexpected argument',
    fix: 'Run the command with --help to see what it takes; quote values that hold spaces.',
    exitCode: EXIT.usage,
  },
  'missing-argument': {
    title: 'Missing argument',
    fix: 'Run the command with --help to see what it takes; `s3-replicator backfill list` shows the runs.',
    exitCode: EXIT.usage,
  },
  'bad-request': {
    title: 'This cannot be run',
    fix: 'Compare the options with replication.yml (`s3-replicator config check` shows its rules).',
    exitCode: EXIT.usage,
  },
  'nobody-to-ask': {
    title: 'Nobody can be asked',
    fix: 'Look at the estimate with --dry-run, then run the command again with --yes.',
    exitCode: EXIT.usage,
  },
  'not-confirmed': {
    title: 'Not confirmed',
    fix: 'Nothing was started. Run the command in a terminal and type the name of the destination bucket when asked; `verify start` shows what is only at the destination.',
    exitCode: EXIT.failure,
  },
  'run-refused': {
    title: 'Refused',
    fix: 'Look at the runs with `s3-replicator backfill list`.',
    exitCode: EXIT.failure,
  },
  'no-configuration': {
    title: 'Configuration not readable',
    fix: 'Run the command where replication.yml is, or name the file with --config.',
    exitCode: EXIT.failure,
  },
  'no-credentials': {
    title: 'No AWS credentials',
    fix: 'Sign in to the source account (AWS_PROFILE, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), then run the command again.',
    exitCode: EXIT.failure,
  },
  'bad-credentials': {
    title: 'AWS refused the credentials',
    fix: 'They are wrong or have expired: sign in to the source account again.',
    exitCode: EXIT.failure,
  },
  'access-denied': {
    title: 'Access denied',
    fix: 'Allow your user or role the action named above (docs/operations.md and docs/backfill.md list what the commands need).',
    exitCode: EXIT.failure,
  },
  'no-queue': {
    title: 'Queue not found',
    fix: 'Check --stage, --region and the account you are signed in to (`aws sts get-caller-identity`), and that the stack is deployed.',
    exitCode: EXIT.failure,
  },
  'no-bucket': {
    title: 'Bucket not found',
    fix: 'Correct its name or region in replication.yml, or create it.',
    exitCode: EXIT.failure,
  },
  'not-trusted': {
    title: 'The replication role does not trust you',
    fix: 'Name a profile that may list the destination bucket with --destination-profile, or leave out --local.',
    exitCode: EXIT.failure,
  },
  'no-table': {
    title: 'Table not found',
    fix: 'Check --stage, --region and the account you are signed in to (`aws sts get-caller-identity`), and that the stack is deployed.',
    exitCode: EXIT.failure,
  },
  unreachable: {
    title: 'AWS cannot be reached',
    fix: 'Check the network, the region and AWS_ENDPOINT_URL, then run the command again.',
    exitCode: EXIT.failure,
  },
  'aws-failed': {
    title: 'AWS answered with an error',
    fix: 'Read what it says; running the command again is safe.',
    exitCode: EXIT.failure,
  },
} as const satisfies Record<string, ErrorEntry>;

type CliErrorCode = keyof typeof ERRORS;

/** How a command fails: a code of the closed table, and what exactly happened this time. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  /** For standard error: title and detail on one line, the fix on the next. */
  format(): string {
    const { title, fix } = ERRORS[this.code];
    return `s3-replicator: ${title}: ${this.message}\nfix: ${fix}\n`;
  }
}
