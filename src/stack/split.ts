import type { Configuration } from '../lib/configuration/configuration.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';

/**
 * Returns the rules for each of several stacks that fit, in the order of the file, or null if the rules of one bucket alone do not fit. All
 * rules of a source bucket stay in one stack, because S3 refuses overlapping notifications of two stacks.
 */
export function splitRules(
  configuration: Configuration,
  fits: (part: Configuration) => boolean,
): ReplicationRule[][] | null {
  const withRules = (rules: ReplicationRule[]): Configuration => ({
    ...configuration,
    replication: { ...configuration.replication, rules },
  });
  const stacks: ReplicationRule[][] = [];
  for (const rules of Map.groupBy(configuration.replication.rules, ({ source }) => source.bucket).values()) {
    if (!fits(withRules(rules))) return null;
    const last = stacks.at(-1);
    if (last !== undefined && fits(withRules([...last, ...rules]))) last.push(...rules);
    else stacks.push([...rules]);
  }
  return stacks;
}

/** Returns advice on which rules belong in which file. The first stack keeps its name, and therefore its deployed resources. */
export const splitAdvice = (name: string, stacks: ReplicationRule[][]): string => {
  const places = stacks.map((rules, index) => {
    const own = index === 0 ? name : `${name}-${index + 1}`;
    const file = index === 0 ? 'replication.yml' : `../${own}/replication.yml`;
    return [`${file}, name: ${own}, rules:`, ...wrapped(rules.map(({ id }) => id)).map((ids) => `  ${ids}`)];
  });
  return [
    `split the rules into ${stacks.length} stacks, each in a folder of its own`,
    '(a copy of this one, with this name and these rules):',
    ...places.flat(),
    'Deploy this folder first: its stack then gives up the other buckets.',
    'In each other folder run `npx s3-replicator config destination`, because',
    'destinations must trust its role too, then `npx serverless deploy`, then',
    '`npx s3-replicator backfill start` for what has changed in between.',
  ].join(`\n${INDENT}`);
};

/** How far the list of problems indents the text of a fix. */
const INDENT = ' '.repeat(11);

/** Joins words by commas to lines that fit into a terminal. */
const wrapped = (words: readonly string[], width = 66): string[] => {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 3 <= width)
      lines[lines.length - 1] = `${last}, ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => (index < lines.length - 1 ? `${line},` : line));
};
