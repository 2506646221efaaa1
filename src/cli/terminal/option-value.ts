import { nearestWord } from '../../lib/text/nearest-word.ts';

/** The values that an option takes. */
export interface ValueSpec {
  /** The placeholder of the value in the help, e.g. `REASON`; absent for a switch. */
  value?: string;
  /** The only values that are accepted. Values like `all|latest` need no list. */
  choices?: readonly string[];
  /** The range of a whole number. */
  range?: { minimum: number; maximum: number };
  /** Returns null for a valid value. For any other value, returns what the option takes, such as `takes 12 digits`. */
  check?(value: string): string | null;
}

/** Makes the {@link ValueSpec.check} of values that must match a pattern. `words` completes the sentence "The option takes …". */
export const matching =
  (pattern: RegExp, words: string) =>
  (value: string): string | null =>
    pattern.test(value) ? null : `takes ${words}`;

/** Returns what is wrong with a value of an option, or null: `--limit takes a whole number from 1 to 1000, not "0".` */
export const wrongValue = (name: string, spec: ValueSpec, value: string): string | null => {
  const choices = choicesOf(spec);
  const taken =
    choices !== null && !choices.includes(value)
      ? `takes ${choices.length > MAX_CHOICES_SHOWN ? 'one of the values in its help' : listed(choices)}`
      : (wrongNumber(spec, value) ?? spec.check?.(value) ?? null);
  if (taken === null) return null;
  const nearest = choices === null ? null : nearestWord(value, choices);
  return `${name} ${taken}, not ${JSON.stringify(value)}.${nearest === null ? '' : ` Did you mean ${nearest}?`}`;
};

/** Returns the accepted values of an option: its list, or the alternatives of a placeholder like `all|latest`. */
export const choicesOf = ({ value = '', choices }: ValueSpec): readonly string[] | null =>
  choices ?? (ALTERNATIVES.test(value) ? value.split('|') : null);

/** Does not match `EMAIL|none`, which stands for many values. */
const ALTERNATIVES = /^[a-z-]+(?:\|[a-z-]+)+$/;

/** Maximum number of choices that an error lists. */
const MAX_CHOICES_SHOWN = 8;

const listed = (choices: readonly string[]): string =>
  [choices.slice(0, -1).join(', '), choices.at(-1)].filter(Boolean).join(' or ');

const wrongNumber = ({ range }: ValueSpec, text: string): string | null => {
  if (range === undefined) return null;
  const { minimum, maximum } = range;
  const isWithin = /^\d+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum;
  return isWithin ? null : `takes a whole number from ${minimum} to ${maximum}`;
};
