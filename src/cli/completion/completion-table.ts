/** The words that can be typed after each command, in a form that does not depend on the shell. */
import type { CommandSpec, OptionSpec } from '../terminal/command.ts';
import { choicesOf } from '../terminal/option-value.ts';

/** The words and options that may follow a command or a group of commands. */
export interface Group {
  /** The words after `s3-replicator`, such as `dlq` or `dlq list`; empty for the program itself. */
  path: string;
  /** The next words, for a group. */
  words: readonly { word: string; summary: string }[];
  options: readonly Completed[];
}

export interface Completed {
  /** The name of the option with its dashes, such as `--rule`. */
  option: string;
  summary: string;
  /** The values that can be completed. Null for a switch. Empty if the completion cannot know the values. */
  values: readonly string[] | 'files' | 'profiles' | null;
}

/** Returns the program, then each group, then each command. */
export const completionTable = (commands: readonly CommandSpec[]): Group[] => {
  const paths = new Set(['', ...commands.map(({ name }) => name.split(' ').slice(0, -1).join(' '))]);
  return [
    ...[...paths].map((path): Group => ({
      path,
      words: wordsAfter(path, commands),
      options: path === '' ? [HELP, VERSION] : [HELP],
    })),
    ...commands.map(({ name, options, argument }): Group => ({
      path: name,
      words: (CHOICES[argument?.name ?? ''] ?? []).map((word) => ({ word, summary: '' })),
      options: [...Object.entries(options).map(([option, spec]) => completed(option, spec)), HELP],
    })),
  ];
};

const HELP: Completed = { option: '--help', summary: 'Show this help.', values: null };
const VERSION: Completed = { option: '--version', summary: 'Show the version.', values: null };

/** The values of arguments that accept only certain words. */
const CHOICES: Readonly<Record<string, readonly string[]>> = { SHELL: ['bash', 'zsh', 'fish'] };

const wordsAfter = (path: string, commands: readonly CommandSpec[]): Group['words'] => {
  const start = path === '' ? '' : `${path} `;
  const words = new Map<string, string>();
  for (const { name, summary } of commands) {
    if (!name.startsWith(start)) continue;
    const [word = '', ...rest] = name.slice(start.length).split(' ');
    if (!words.has(word)) words.set(word, rest.length === 0 ? summary : '');
  }
  return [...words].map(([word, summary]) => ({ word, summary }));
};

const completed = (option: string, spec: OptionSpec): Completed => ({
  option: `--${option}`,
  summary: firstSentence(spec.description),
  values: spec.value === undefined ? null : (choicesOf(spec) ?? KINDS[spec.value] ?? []),
});

/** The placeholders whose values can be read from this machine. */
const KINDS: Readonly<Record<string, 'files' | 'profiles'>> = {
  FILE: 'files',
  DIRECTORY: 'files',
  PROFILE: 'profiles',
};

const firstSentence = (text: string): string => /^.*?\.(?= |$)/.exec(text)?.[0].slice(0, -1) ?? text;
