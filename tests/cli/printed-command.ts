/** Commands that the command line prints, as a shell reads them. */
import { execFileSync } from 'node:child_process';

/** Has a shell read a text with `aws` commands. Returns the arguments of each. */
export const awsCommands = (text: string): string[][] => {
  const script = `aws() { printf '%s\\0' "$@"; printf '\\n\\0'; }\n${text}`;
  const commands: string[][] = [[]];
  for (const word of execFileSync('sh', ['-euc', script], { encoding: 'utf8' }).split('\0').slice(0, -1))
    if (word === '\n') commands.push([]);
    else commands.at(-1)?.push(word);
  return commands.slice(0, -1);
};

/** Returns the value after an option. */
export const optionOf = (words: readonly string[], option: string): string =>
  words[words.indexOf(option) + 1] ?? '';

/** Returns the parameters after `--parameter-overrides`, split at the first equals sign as by the AWS CLI. */
export const parametersOf = (words: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    words.slice(words.indexOf('--parameter-overrides') + 1).map((word) => {
      const at = word.indexOf('=');
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
