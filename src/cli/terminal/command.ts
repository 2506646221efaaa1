/** The description of a command. The parser and the help text both use this description, so neither can miss an option. */
import { parseArgs } from 'node:util';
import { nearestWord } from '../../lib/text/nearest-word.ts';
import { CliError } from './errors.ts';
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
  argument?: { name: string; description: string };
  options: Readonly<Record<string, OptionSpec>>;
  examples: readonly (readonly [command: string, meaning: string])[];
  exitCodes?: readonly (readonly [code: number, meaning: string])[];
}

export interface OptionSpec {
  /** The placeholder of the value in the help, e.g. `REASON`; absent for a switch. */
  value?: string;
  /** The values that a shell completes. Values like `all|latest` need no list. */
  choices?: readonly string[];
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
  /** Returns the argument. Throws {@link CliError} when the argument is missing. */
  argument(): string;
}

/** The option `--help`, which every command has. */
const HELP: OptionSpec = { description: 'Show this help.' };

/** Parses the options and the argument of a command. Throws {@link CliError}. */
export const parseOptions = (spec: CommandSpec, argv: readonly string[]): ParsedOptions => {
  const options: CommandSpec['options'] = { ...spec.options, help: HELP };
  const given = new Map<string, string[]>();
  let argument: string | null = null;
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
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (spec.argument === undefined || argument !== null) throw unexpected(spec, token.value);
      argument = token.value;
    }
    if (token.kind !== 'option') continue;
    const name = token.rawName === '-h' ? 'help' : token.name;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) throw noSuchOption(spec, token.rawName, Object.keys(options));
    given.set(name, [...(given.get(name) ?? []), valueOf(token, option)]);
  }
  return {
    has: (name) => given.has(name),
    value: (name) => given.get(name)?.at(-1) ?? null,
    values: (name) => given.get(name) ?? [],
    argument: () => {
      if (argument === null) throw missing(spec);
      return argument;
    },
  };
};

/**
 * Returns the value of an option that takes a whole number. Returns null when the option was not given. Throws {@link CliError} for any
 * other value.
 */
export const numberOption = (
  options: ParsedOptions,
  name: string,
  bounds: { minimum: number; maximum: number },
): number | null => {
  const text = options.value(name);
  if (text === null) return null;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.minimum && value <= bounds.maximum) return value;
  throw new CliError(
    'bad-value',
    `--${name} takes a whole number from ${bounds.minimum} to ${bounds.maximum}, not ${JSON.stringify(text)}.`,
  );
};

/** Returns the help of a command in lines of at most `columns` columns: 80 if the output is no terminal, and never more than 100. */
export const helpText = (spec: CommandSpec, columns = Infinity): string => {
  const width = columns === Infinity ? 80 : Math.min(columns, 100);
  const command = ['s3-replicator', spec.name].filter(Boolean).join(' ');
  const following = spec.subcommands ? '<command> ' : spec.argument ? `${spec.argument.name} ` : '';
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
    ...section('Argument', spec.argument ? [[spec.argument.name, spec.argument.description]] : []),
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

const missing = (spec: CommandSpec): CliError => {
  const { name = '', description = '' } = spec.argument ?? {};
  return new CliError('missing-argument', `\`s3-replicator ${spec.name}\` needs ${name}: ${description}`);
};

const noSuchOption = (spec: CommandSpec, rawName: string, known: string[]): CliError => {
  const command = ['s3-replicator', spec.name].filter(Boolean).join(' ');
  const nearest = nearestWord(rawName, known);
  const suggestion = nearest === null ? '' : ` Did you mean --${nearest}?`;
  return new CliError('unknown-option', `\`${command}\` has no option ${rawName}.${suggestion}`);
};

const valueOf = (
  token: { rawName: string; value: string | undefined; inlineValue: boolean | undefined },
  option: OptionSpec,
): string => {
  if (option.value === undefined) {
    if (token.value === undefined) return '';
    throw new CliError('bad-value', `${token.rawName} takes no value.`);
  }
  // If the next word begins with a dash, as in `--prefix --json`, the value was most likely forgotten.
  const forgotten = token.value === undefined || (!token.inlineValue && token.value.startsWith('-'));
  if (forgotten) {
    throw new CliError(
      'bad-value',
      `${token.rawName} needs a value: ${token.rawName}=${option.value} (with the equals sign if it begins with a dash).`,
    );
  }
  return token.value ?? '';
};
