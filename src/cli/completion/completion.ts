import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { writeData } from '../terminal/fitted.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { bashScript } from './bash-script.ts';
import { completionTable, type Group } from './completion-table.ts';
import { fishScript } from './fish-script.ts';
import { zshScript } from './zsh-script.ts';

export const COMPLETION: CommandSpec = {
  name: 'completion',
  summary: 'Print the script by which a shell completes commands and options.',
  description: [
    'The script is complete in itself: while you type, it starts no program. Print it again after an update.',
    'Shells complete the name of a program, so the program has to be on the PATH, or an alias: alias s3-replicator="npx s3-replicator".',
  ],
  argument: { name: 'SHELL', description: 'bash, zsh or fish.' },
  options: {},
  exitCodes: [
    [EXIT.ok, 'The script is printed.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [
    ['source <(npx s3-replicator completion bash)', 'Bash, in ~/.bashrc'],
    ['npx s3-replicator completion zsh > "${fpath[1]}/_s3-replicator"', 'Zsh, once'],
    ['npx s3-replicator completion fish > ~/.config/fish/completions/s3-replicator.fish', 'Fish, once'],
  ],
};

const SCRIPTS: Readonly<Record<string, (groups: readonly Group[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Runs `s3-replicator completion …`. Returns the exit code. Throws CliError. */
export const runCompletion = (
  argv: readonly string[],
  io: CliIo,
  commands: readonly CommandSpec[],
): number => {
  const options = parseOptions(COMPLETION, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(COMPLETION, io.columns));
    return EXIT.ok;
  }
  const shell = options.argument();
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined)
    throw new CliError('bad-value', `completion is for bash, zsh and fish, not ${JSON.stringify(shell)}.`);
  writeData(io.stdout, script(completionTable(commands)));
  return EXIT.ok;
};
