import { nearestWord } from '../../lib/text/nearest-word.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from './command.ts';
import { CliError } from './errors.ts';
import { type CliIo, EXIT } from './io.ts';

/** A function that runs a command. It receives the arguments after the command's name and resolves to the exit code. Throws CliError. */
export type Command = (argv: readonly string[], io: CliIo) => Promise<number>;

/**
 * Runs the command that the first word of the command line names. If the command line does not begin with a word, its options belong to the
 * group itself. In that case `answer` may handle the options and return the exit code. If `answer` is absent or returns null, the help is
 * shown.
 */
export const runGroup = async (
  group: {
    spec: CommandSpec;
    commands: Readonly<Record<string, Command>>;
    answer?: (options: ParsedOptions) => number | null;
  },
  argv: readonly string[],
  io: CliIo,
): Promise<number> => {
  const { spec, commands } = group;
  const [word, ...rest] = argv;
  if (word !== undefined && !word.startsWith('-')) {
    const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
    if (command === undefined) throw unknownCommand(spec, word, Object.keys(commands));
    return command(rest, io);
  }
  const options = parseOptions(spec, argv);
  const answered = group.answer?.(options) ?? null;
  if (answered !== null) return answered;
  const asked = options.has('help');
  (asked ? io.stdout : io.stderr).write(helpText(spec, io.columns));
  return asked ? EXIT.ok : EXIT.usage;
};

const unknownCommand = ({ name }: CommandSpec, word: string, known: readonly string[]): CliError => {
  const nearest = nearestWord(word, known);
  const suggestion = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  const group = name === '' ? 'command' : `command of \`${name}\``;
  return new CliError('unknown-command', `${JSON.stringify(word)} is not a ${group}.${suggestion}`);
};
