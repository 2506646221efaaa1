/** Runs `npm run demo`. The options are in options.ts and the steps are in story.ts. */
import { formatSeconds } from './amounts.ts';
import { serveConsole } from './console.ts';
import { keepLines } from './keep.ts';
import { parseOptions, USAGE, UsageError } from './options.ts';
import type { DemoOptions } from './options.ts';
import { setUp, tell } from './story.ts';
import { createTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import type { TwoAccounts } from './two-accounts.ts';

const EXIT = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/**
 * Runs the demo and resolves to the exit code. Before it resolves, all servers and processes are stopped and all files are removed, even
 * after a failure.
 */
const main = async (argv: string[]): Promise<number> => {
  const signal = interruption();
  let terminal = createTerminal(process.stdout, { plain: true });
  try {
    const options = parseOptions(argv);
    if (options.help) {
      process.stdout.write(USAGE);
      return EXIT.ok;
    }
    terminal = createTerminal(process.stdout, options);
    await demo(terminal, options, signal);
    return EXIT.ok;
  } catch (error) {
    terminal.keep();
    if (signal.aborted) {
      terminal.line('\nInterrupted. Everything is cleaned up.');
      return EXIT.interrupted;
    }
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\n${terminal.style('red', '✘')} ${message}\n`);
    if (!(error instanceof UsageError)) return EXIT.failure;
    process.stderr.write(`\n${USAGE}`);
    return EXIT.usage;
  }
};

const demo = async (terminal: Terminal, options: DemoOptions, signal: AbortSignal): Promise<void> => {
  const startedMs = performance.now();
  const teller = { terminal, options, signal };
  await using accounts = await setUp(teller);
  await unlessAborted(signal, tell(accounts, teller));
  const took = formatSeconds(performance.now() - startedMs);
  terminal.line(`\n${terminal.style('green', '✔')} Both sides agree. The demo took ${took}.`);
  if (options.console) await serve(terminal, accounts, signal);
  else if (options.keep) await stayUp(terminal, accounts, signal);
};

const serve = async (terminal: Terminal, accounts: TwoAccounts, signal: AbortSignal): Promise<void> => {
  const argv = ['--config', accounts.replicationFile];
  await using served = await serveConsole(argv, accounts.source.environment());
  terminal.line(`\n${served.link}`);
  if (signal.aborted) return;
  await aborted(signal).catch(() => terminal.line('\nStopping.'));
};

const stayUp = async (terminal: Terminal, accounts: TwoAccounts, signal: AbortSignal): Promise<void> => {
  terminal.line('\nBoth accounts stay up until Ctrl-C. You can use them with these commands:\n');
  for (const line of keepLines(accounts)) terminal.line(line);
  // The running servers keep this process alive. A pending promise alone would not.
  await aborted(signal).catch(() => terminal.line('\nStopping.'));
};

/**
 * Resolves with the result of `work`, or rejects as soon as the signal is aborted. After an abort, the work may continue for a moment,
 * until it fails because the servers have stopped.
 */
const unlessAborted = <Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> =>
  Promise.race([work, aborted(signal)]);

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Error('interrupted'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });

/**
 * Returns a signal that is aborted by Ctrl-C and similar signals, and when the output is closed. A second Ctrl-C ends the process at once.
 */
const interruption = (): AbortSignal => {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort());
  process.stdout.on('error', () => controller.abort());
  return controller.signal;
};

process.exitCode = await main(process.argv.slice(2));
