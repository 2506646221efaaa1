/**
 * Checks the prose of comments, test titles, command line, error texts and documents: `node scripts/prose.ts [PATH...]`.
 * `--draw 100 --seed 7` prints 100 random comments and the line of code after each, for readers who do not know the code. The same seed draws the same comments.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseSync, Visitor } from 'oxc-parser';

/** A comment, a string of at least three words, or a paragraph, item or cell of a document. */
interface Passage {
  file: string;
  line: number;
  kind: 'comment' | 'text' | 'document';
  text: string;
  /** Whether the comment explains a constant. */
  ofConstant: boolean;
  /** The line of code that follows a comment. */
  code?: string;
}

const CODE = /\.(ts|mjs|cjs)$/;
const DOCUMENT = /\.md$/;

/** This file is not checked, because its rules contain the words that they forbid. */
const EXCEPT = 'scripts/prose.ts';

const RULES: { why: string; breaks(passage: Passage, sentence: string): boolean }[] = [
  {
    why: 'begins with Of, Where or Who: put the subject first',
    breaks: (_, sentence) => /^(Of|Where|Who)\b/.test(sentence) && !sentence.endsWith('?'),
  },
  {
    why: 'mend, reckon, for good, go on, tell of: use fix, calculate, permanently, continue, report',
    breaks: (_, sentence) =>
      /\b(mend(s|ed|ing)?|reckon(s|ed|ing)?|for good(?! reason)|(go|goes|going|gone|went) on|(tell|tells|telling|told) of)\b/i.test(
        sentence,
      ),
  },
  {
    why: 'a constant is explained by "How long …", "How many …" or "Maximum …"',
    breaks: ({ ofConstant }, sentence) => ofConstant && /\bso (long|many|late|often)\b/i.test(sentence),
  },
];

const passagesOf = (file: string): Passage[] => {
  const source = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, source);
  if (errors[0] !== undefined) throw new SyntaxError(`${file}: ${errors[0].message}`);
  const lineOf = (offset: number): number => source.slice(0, offset).split('\n').length;
  const found: Passage[] = [];
  for (const { start, end, text } of joined(comments, source))
    found.push({
      file,
      line: lineOf(start),
      kind: 'comment',
      text,
      ofConstant: /^\s*(export )?const [A-Z][A-Z0-9_]*\b/.test(source.slice(end)),
      code: /^\s*(.*)/.exec(source.slice(end))?.[1] ?? '',
    });
  const add = (start: number, text: string): void => {
    if (/\S+ \S+ \S+/.test(text))
      found.push({ file, line: lineOf(start), kind: 'text', text, ofConstant: false });
  };
  new Visitor({
    Literal: (node) => {
      if (typeof node.value === 'string') add(node.start, node.value);
    },
    TemplateLiteral: (node) => add(node.start, node.quasis.map(({ value }) => value.cooked).join('…')),
  }).visit(program);
  return found;
};

/** Returns the text of a Markdown file without its blocks of code, which are replaced by empty lines. */
const documentPassagesOf = (file: string): Passage[] => {
  const withoutCode = readFileSync(file, 'utf8').replaceAll(/^ *```[^]*?^ *```$/gm, (block) =>
    block.replaceAll(/[^\n]/g, ''),
  );
  const found: Passage[] = [];
  let [line, isOpen] = [0, false];
  for (const written of withoutCode.split('\n')) {
    line += 1;
    const cells = written.startsWith('|') ? written.split(/(?<!\\)\|/) : [written];
    const continues = isOpen && /^ *[^ |#-]/.test(written) && !/^ *\d+\. /.test(written);
    for (const cell of cells) {
      const text = cell.replace(/^ *(?:[-*>#]+|\d+\.) /, '').trim();
      const before = found.at(-1);
      if (continues && before !== undefined) before.text += ` ${text}`;
      // A heading is no sentence.
      else if (text !== '' && !written.startsWith('#'))
        found.push({ file, line, kind: 'document', text, ofConstant: false });
    }
    isOpen = written.trim() !== '' && !/^[|#]/.test(written);
  }
  return found;
};

/** Returns the comments without their comment marks. Line comments on consecutive lines are joined into one comment. */
const joined = (
  comments: readonly { type: string; value: string; start: number; end: number }[],
  source: string,
): { start: number; end: number; text: string }[] => {
  const found: { start: number; end: number; text: string; isLine: boolean }[] = [];
  for (const { type, value, start, end } of comments) {
    const isLine = type === 'Line';
    const text = isLine ? value.trim() : value.replaceAll(/^[ \t]*\*+ ?/gm, '').trim();
    const before = found.at(-1);
    if (isLine && before?.isLine === true && /^\n[ \t]*$/.test(source.slice(before.end, start))) {
      before.text += `\n${text}`;
      before.end = end;
    } else found.push({ start, end, text, isLine });
  }
  return found.filter(({ text }) => !/^(oxlint-|eslint-|prettier-|@ts-|!)/.test(text));
};

const sentencesOf = (text: string): string[] =>
  text
    .split(/\n\s*(?=\n|[-*] |@)/)
    .flatMap((paragraph) => paragraph.replaceAll(/\s+/g, ' ').split(/(?<=[.!?]) (?=[A-Z`{])/))
    .map((sentence) => sentence.trim().replace(/^([-*]|@\w+) /, ''));

/** Returns a generator of random numbers in [0, 1) (mulberry32). The same seed gives the same numbers. */
const randomFrom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

const draw = (passages: Passage[], count: number, seed: number): void => {
  const random = randomFrom(seed);
  const left = passages.filter(({ kind }) => kind === 'comment');
  console.log(`${Math.min(count, left.length)} of ${left.length} comments, seed ${seed}\n`);
  for (let drawn = 0; drawn < count && left.length > 0; drawn++) {
    const [passage] = left.splice(Math.floor(random() * left.length), 1);
    if (passage !== undefined)
      console.log(`${passage.file}:${passage.line}\n${passage.text}\n    ${passage.code}\n`);
  }
};

const check = (passages: Passage[]): number => {
  let breaches = 0;
  for (const passage of passages)
    for (const sentence of sentencesOf(passage.text))
      for (const { why, breaks } of RULES)
        if (breaks(passage, sentence)) {
          breaches++;
          console.error(`${passage.file}:${passage.line}: ${sentence}\n  ${why}`);
        }
  if (breaches > 0) console.error(`${breaches} sentences to write anew`);
  return breaches === 0 ? 0 : 1;
};

const { values, positionals } = parseArgs({
  options: { draw: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', ...positionals],
  {
    encoding: 'utf8',
  },
);
const passages = files
  .split('\n')
  .filter((file) => file !== EXCEPT)
  .flatMap((file) => {
    if (DOCUMENT.test(file)) return documentPassagesOf(file);
    return CODE.test(file) ? passagesOf(file) : [];
  });
if (values.draw === undefined) process.exitCode = check(passages);
else draw(passages, Number(values.draw), Number(values.seed ?? Date.now() % 1_000_000));
