/** Each command line of s3-replicator in the documents is one that the program takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { CliError } from '../../src/cli/terminal/errors.ts';
import { parseOptions } from '../../src/cli/terminal/command.ts';

const DOCUMENTS = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

/** Wrong commands that a page shows on purpose. */
const WRONG_ON_PURPOSE = new Set(['dlq list --resaon kms']);

/** The longest names first, because `verify start` begins like `verify`. */
const SPECS = ALL_COMMANDS.toSorted((one, other) => other.name.length - one.name.length);
const specOf = (line: string) => SPECS.find(({ name }) => line === name || line.startsWith(`${name} `));

interface Line {
  text: string;
  /** Whether the text is a whole command line. Otherwise it is the name of a command, perhaps with some of its options. */
  isWhole: boolean;
}

/** Returns the command lines in the blocks of a page and between backticks, without the name of the program. */
const linesIn = (page: string): Line[] => {
  const blocks = [...page.matchAll(/^ *```\w*\n([^]*?)^ *```/gm)].map(([, block = '']) => block);
  const spans = [...page.replaceAll(/^ *```[^]*?^ *```/gm, '').matchAll(/`([^`]+)`/g)].map(
    ([, span = '']) => span,
  );
  const inBlocks = blocks.flatMap((block) =>
    [...block.replaceAll(/\\\n\s*/g, '').matchAll(/npx s3-replicator (.+?)(?= && |$)/gm)].map(
      ([, text = '']) => ({
        text,
        isWhole: true,
      }),
    ),
  );
  const inSpans = spans.flatMap((span) => {
    const [, text] = /^npx s3-replicator (.+)/.exec(span) ?? [];
    if (text !== undefined) return { text, isWhole: true };
    return specOf(span) === undefined ? [] : { text: span, isWhole: false };
  });
  return [...inBlocks, ...inSpans]
    .map(({ text, isWhole }) => ({ text: text.replace(/(?:\s#.*| > .*|\).*)$/, '').trim(), isWhole }))
    .filter(({ text }) => !/[<[…]/.test(text) && !WRONG_ON_PURPOSE.has(text));
};

const mistakesIn = ({ text, isWhole }: Line): string[] => {
  const spec = specOf(text);
  if (spec === undefined) return [`${text}: there is no such command`];
  try {
    parseOptions(spec, text.slice(spec.name.length).trim().split(/\s+/).filter(Boolean));
    return [];
  } catch (error) {
    const message = error instanceof CliError ? error.message : String(error);
    return isWhole || message.includes('has no option') ? [`${text}: ${message}`] : [];
  }
};

test.each(DOCUMENTS)(
  'every command line of s3-replicator in %s is one that the program takes',
  (document) => {
    expect(linesIn(readFileSync(document, 'utf8')).flatMap(mistakesIn)).toEqual([]);
  },
);

test('the documents show every command', () => {
  const shown = new Set(
    DOCUMENTS.flatMap((document) =>
      linesIn(readFileSync(document, 'utf8')).map(({ text }) => specOf(text)?.name),
    ),
  );
  expect(ALL_COMMANDS.filter(({ name }) => !shown.has(name))).toEqual([]);
});
