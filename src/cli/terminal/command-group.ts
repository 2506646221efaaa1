import { nearestWord } from '../../lib/text/nearest-word.ts';
import { type CommandSpec, helpText, parseOptions, type ParsedOptions } from './command.ts';
import { CliError } from './errors.ts';
import { type CliIo, EXIT } from './io.ts';

/** What a word on the command line starts: gets the arguments after that word, resolves to the exit code. Throws CliError. */
export type Command = (argv: readonly string[], io: CliIo) => Promise<number>;

/**
 * Hands the rest of the command line to the command its first word names. Without such a word it is about the group
 * itself: `answer` may deal with the group's own options (null: it did not), and what is left is a question for help.
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
  (asked ? io.stdout : io.stderr).write(helpText(spec));
  return asked ? EXIT.ok : EXIT.usage;
};

const unknownCommand = ({ name }: CommandSpec, word: string, known: readonly string[]): CliError => {
  const nearest = nearestWord(word, known);
  const suggestion = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  const group = name === '' ? 'command' : `command of \`${name}\``;
  return new CliError('unknown-command', `${JSON.stringify(word)} is not a ${group}.${suggestion}`);
};
