/** Everything a command needs from the outside, so that tests can hand in their own. */

/** Exit codes of every command. Documented in `docs/cli.md`. */
export const EXIT = {
  ok: 0,
  /** The command could not do what it was asked for, or found something wrong. */
  failure: 1,
  /** The command line itself is wrong: nothing was done. */
  usage: 2,
  /** Some of it was done and some was not; running the command again is safe. */
  partial: 3,
  /** Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

/** Where text goes. `process.stdout` and `process.stderr` are such outputs. */
interface Output {
  write(text: string): unknown;
  /** Whether a person watches: progress is then drawn over itself. */
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
  /** Aborted by Ctrl-C: a command then puts things back in order and returns {@link EXIT}.interrupted. */
  interrupted: AbortSignal;
  /** Asks the person at the terminal; null: no answer came. Null altogether: there is nobody to ask. */
  ask: ((question: string) => Promise<string | null>) | null;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after this time, or at once when interrupted. */
  sleep(ms: number): Promise<void>;
}
