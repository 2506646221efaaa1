/** The description of a command. The parser and the help text both use this description, so neither can miss an option. */
import { parseArgs } from 'node:util';
import { nearestWord } from '../../lib/text/nearest-word.ts';
import { CliError, togetherErrors } from './errors.ts';
import { type ValueSpec, wrongValue } from './option-value.ts';
import { pad, textWidth } from './width.ts';
import { wrapCommand, wrapParagraph } from './wrap.ts';

export interface CommandSpec {
  /** The words after `s3-replicator` that name the command, e.g. `dlq list`; empty for the program itself. */
  name: string;
  summary: string;
  /** Paragraphs between the usage line and the options. */
  description?: readonly string[];
  subcommands?: Readonly<Record<string, string>>;
  /** The argument that the command requires besides its options. */
  argument?: Argument;
  /** The arguments of which the command takes either all or none, in this order. */
  operands?: readonly Argument[];
  options: Readonly<Record<string, OptionSpec>>;
  examples: readonly (readonly [command: string, meaning: string])[];
  exitCodes?: readonly (readonly [code: number, meaning: string])[];
}

interface Argument {
  name: string;
  description: string;
}

export interface OptionSpec extends ValueSpec {
  /** Whether the option may be given more than once. */
  multiple?: boolean;
  description: string;
}

/** The options and the argument that were given on the command line. */
export interface ParsedOptions {
  has(name: string): boolean;
  /**
   * Returns the value of an option. If the option was given several times, the last value counts. Returns null if the option was not given.
   */
  value(name: string): string | null;
  /** Returns all values of an option, in the order in which they were given. */
  values(name: string): string[];
  /** Returns the value of an option with a range. Returns null if the option was not given. */
  number(name: string): number | null;
  /** Returns the argument. Throws {@link CliError} when the argument is missing. */
  argument(): string;
  /** Returns the operands: either all of them or none. */
  operands(): readonly string[];
}

/** The option `--help`, which every command has. */
const HELP: OptionSpec = { description: 'Show this help.' };

/**
 * Parses the options and the argument of a command. Throws one {@link CliError} with all mistakes, so that they can be corrected at once.
 * If the help is requested, nothing counts as a mistake.
 */
export const parseOptions = (spec: CommandSpec, argv: readonly string[]): ParsedOptions => {
  const { given, positionals, mistakes } = readTokens(spec, argv);
  const argument = spec.argument === undefined ? null : (positionals.shift() ?? null);
  const operands = positionals.splice(0, spec.operands?.length ?? 0);
  const lacking = operands.length === 0 ? [] : (spec.operands ?? []).slice(operands.length);
  mistakes.push(...lacking.map((each) => missing(spec, each)));
  mistakes.push(...positionals.map((each) => unexpected(spec, each)));
  // The word after an unknown option may have been the argument.
  const isMissing = argument === null && mistakes.every(({ code }) => code !== 'unknown-option');
  if (mistakes.length > 0 && spec.argument !== undefined && isMissing) mistakes.push(missing(spec));
  if (!given.has('help') && mistakes.length > 0) throw togetherErrors(mistakes);
  return {
    has: (name) => given.has(name),
    value: (name) => given.get(name)?.at(-1) ?? null,
    values: (name) => given.get(name) ?? [],
    number: (name) => (given.has(name) ? Number(given.get(name)?.at(-1)) : null),
    argument: () => {
      if (argument === null) throw missing(spec);
      return argument;
    },
    operands: () => operands,
  };
};

const readTokens = (
  spec: CommandSpec,
  argv: readonly string[],
): { given: Map<string, string[]>; positionals: string[]; mistakes: CliError[] } => {
  const options: CommandSpec['options'] = { ...spec.options, help: HELP };
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  const mistakes: CliError[] = [];
  // Strict parsing is off because Node's error messages name neither the command nor the most similar option. The loop below reports errors
  // instead.
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value }]) => [name, { type: value ? 'string' : 'boolean' }]),
    ),
  });
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    // The word after an unknown option is most likely the value of the option.
    const isValue =
      before?.kind === 'option' &&
      !Object.hasOwn(options, before.name) &&
      before.rawName !== '-h' &&
      !before.inlineValue;
    if (token.kind === 'positional' && !isValue) positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const name = token.rawName === '-h' ? 'help' : token.name;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) mistakes.push(noSuchOption(spec, token.rawName, Object.keys(options)));
    else {
      const value = valueOf(token, option);
      if (value instanceof CliError) mistakes.push(value);
      else given.set(name, [...(given.get(name) ?? []), value]);
    }
  }
  return { given, positionals, mistakes };
};

/**
 * Returns the help of a command in lines of at most `columns` columns, but never more than 100. If the output is not a terminal, the
 * lines have at most 80 columns.
 */
export const helpText = (spec: CommandSpec, columns = Infinity): string => {
  const width = columns === Infinity ? 80 : Math.min(columns, 100);
  const command = ['s3-replicator', spec.name].filter(Boolean).join(' ');
  const named = [...(spec.argument ? [spec.argument] : []), ...(spec.operands ?? [])];
  const following = spec.subcommands ? '<command> ' : named.map(({ name }) => `${name} `).join('');
  const options = Object.entries({ ...spec.options, help: HELP }).map(([name, option]): [string, string] => [
    [name === 'help' ? '-h, --help' : `--${name}`, option.value].filter(Boolean).join(' '),
    option.description + (option.multiple ? ' May be given more than once.' : ''),
  ]);
  const section = (title: string, rows: readonly (readonly [string, string])[]): string[] =>
    rows.length === 0 ? [] : [`${title}:`, ...termLines(rows, width), ''];
  return [
    wrapParagraph(spec.summary, width, 0),
    '',
    `Usage: ${command} ${following}[options]`,
    '',
    ...(spec.description ?? []).flatMap((paragraph) => [wrapParagraph(paragraph, width, 0), '']),
    ...section('Commands', Object.entries(spec.subcommands ?? {})),
    ...section(
      named.length === 1 ? 'Argument' : 'Arguments',
      named.map(({ name, description }) => [name, description]),
    ),
    ...section('Options', options),
    ...section(
      'Exit codes',
      (spec.exitCodes ?? []).map(([code, meaning]) => [String(code), meaning]),
    ),
    ...exampleLines(spec.examples, width),
  ].join('\n');
};

/** Returns a list of terms and their meanings. A term that would leave too little room for the meanings has a line of its own. */
const termLines = (rows: readonly (readonly [string, string])[], width: number): string[] => {
  const most = Math.floor(width * 0.36);
  const fitting = rows.map(([term]) => textWidth(term)).filter((columns) => columns <= most);
  const indent = 2 + Math.max(0, ...fitting) + 2;
  return rows.map(([term, meaning]) => {
    const text = wrapParagraph(meaning, width, indent);
    return textWidth(term) <= most
      ? `  ${pad(term, indent - 2)}${text}`
      : `  ${term}\n${' '.repeat(indent)}${text}`;
  });
};

const exampleLines = (rows: CommandSpec['examples'], width: number): string[] =>
  rows.length === 0
    ? []
    : [
        'Examples:',
        ...rows.flatMap(([command, meaning]) => [
          `  # ${wrapParagraph(meaning, width - 4, 0).replaceAll('\n', '\n  # ')}`,
          `  ${wrapCommand(command, width, 2)}`,
        ]),
        '',
      ];

const unexpected = (spec: CommandSpec, argument: string): CliError => {
  const command = ['s3-replicator', spec.name].filter(Boolean).join(' ');
  return new CliError('unexpected-argument', `\`${command}\` takes no argument ${JSON.stringify(argument)}.`);
};

const missing = (spec: CommandSpec, argument = spec.argument): CliError => {
  const { name = '', description = '' } = argument ?? {};
  return new CliError('missing-argument', `\`s3-replicator ${spec.name}\` needs ${name}: ${description}`);
};

const noSuchOption = (spec: CommandSpec, rawName: string, known: string[]): CliError => {
  const command = ['s3-replicator', spec.name].filter(Boolean).join(' ');
  const nearest = nearestWord(rawName, known);
  const suggestion = nearest === null ? '' : ` Did you mean --${nearest}?`;
  return new CliError('unknown-option', `\`${command}\` has no option ${rawName}.${suggestion}`);
};

/** Returns the value of an option, or what is wrong with it. */
const valueOf = (
  token: { rawName: string; value: string | undefined; inlineValue: boolean | undefined },
  option: OptionSpec,
): string | CliError => {
  const { rawName, value } = token;
  if (option.value === undefined)
    return value === undefined ? '' : new CliError('bad-value', `${rawName} takes no value.`);
  // If the next word begins with a dash, as in `--prefix --json`, the value was most likely forgotten.
  if (value === undefined || (!token.inlineValue && value.startsWith('-')))
    return new CliError(
      'bad-value',
      `${rawName} needs a value: ${rawName}=${option.value} (with the equals sign if it begins with a dash).`,
    );
  const wrong = wrongValue(rawName, option, value);
  return wrong === null ? value : new CliError('bad-value', wrong);
};
