/** Everything that a command needs from its surroundings, so that tests can replace it. */

/** The exit codes of all commands. `docs/cli.md` documents them. */
export const EXIT = {
  ok: 0,
  /** The command failed, or its check found a problem. */
  failure: 1,
  /** The command line itself is wrong: nothing was done. */
  usage: 2,
  /** The work was done only in part. Running the command again is safe. */
  partial: 3,
  /** Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

/** A stream of text such as `process.stdout` and `process.stderr`. */
interface Output {
  write(text: string): unknown;
  /** True: a person is watching, so progress is redrawn in place. */
  readonly isTTY?: boolean;
}

export interface CliIo {
  /** Results, and nothing else: safe to pipe. */
  stdout: Output;
  /** Progress, notes and errors. */
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative paths on the command line start here. */
  cwd: string;
  /** Aborted by Ctrl-C. The command then cleans up and returns {@link EXIT}.interrupted. */
  interrupted: AbortSignal;
  /** Asks the person at the terminal. Resolves to null when no answer came. The function itself is null when there is no terminal. */
  ask: ((question: string) => Promise<string | null>) | null;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after this time, or as soon as the command is interrupted. */
  sleep(ms: number): Promise<void>;
}
