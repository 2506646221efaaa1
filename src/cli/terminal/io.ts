/** The terminal, environment and clock that a command uses. Tests replace them. */

/** The exit codes of all commands. `docs/cli.md` documents them. */
export const EXIT = {
  ok: 0,
  /** Either the command failed, or it is a check that found a problem. */
  failure: 1,
  /** The command line is wrong. Nothing was done. */
  usage: 2,
  /** Only a part of the work was done. It is safe to run the command again. */
  partial: 3,
  /** A check found warnings but no errors, and the command line asked for strictness. */
  warnings: 3,
  /** The command was interrupted by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

/** A stream of text such as `process.stdout` and `process.stderr`. */
export interface Output {
  write(text: string): unknown;
  /** Writes a text whose lines must not be broken. Absent if {@link Output.write} breaks no lines either. */
  writeData?(text: string): unknown;
  /** True if the stream is a terminal. In a terminal, progress is redrawn in place. */
  readonly isTTY?: boolean;
  /** The width of the terminal. Undefined if the stream is not a terminal. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface CliIo {
  /** Receives only the results of a command, so that the output can be piped into another program. */
  stdout: Output;
  /** Receives progress, notes and errors. */
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /**
   * The width of standard output. Infinity if it is not a terminal, because then another program reads the output, and nothing may be
   * cut.
   */
  readonly columns: number;
  /** Makes the AWS SDK use a profile of the shared configuration files, in place of other credentials in the environment. */
  useProfile(profile: string): void;
  /** The directory to which relative paths on the command line refer. */
  cwd: string;
  /** Aborted by Ctrl-C or SIGTERM. After the abort, the command cleans up and returns {@link EXIT}.interrupted. */
  interrupted: AbortSignal;
  /**
   * Asks the operator a question at the terminal. Resolves to null when the operator gave no answer. The function itself is null when there
   * is no terminal.
   */
  ask: ((question: string) => Promise<string | null>) | null;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as the command is interrupted. */
  sleep(ms: number): Promise<void>;
}
