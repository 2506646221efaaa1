/**
 * `npm run test:mutations`: changes the code of the local AWS in one place at a time and reports the changes
 * that no test detects.
 */
import { spawn } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { parseAst } from 'vitest/node';
import { draw } from '../src/faults/draw.ts';

const USAGE = `Usage: npm run test:mutations -- [options]

Draws places in packages/local-aws/src/s3 and src/sqs, changes one at a time in a copy under .local-aws, and runs the unit tests of S3
and SQS and then, if these pass, the conformance suite. Prints for each change the first test that failed. One seed draws the same
changes as long as the code is the same, whatever the tests are.

  --seed <n>       which places are drawn (default: by chance; printed)
  --count <n>      how many (default 30)
  --only <s3|sqs>  draw from one service
  --list           print the changes, and run nothing
  --help

Exit status: 0 every change was caught, 1 some survived, 2 wrong usage or the tests fail without any change, 130 interrupted.
`;

const PACKAGE = join(import.meta.dirname, '..');
const ROOT = join(PACKAGE, '../..');
const COPIES = join(ROOT, '.local-aws', `mutations-${process.pid}`);
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

/** How many changes are tested at the same time. Each has its own copy of the package. */
const AT_ONCE = 2;
/**
 * How long one run of the tests may take, in milliseconds. A change that causes an endless loop exceeds this
 * limit.
 */
const TIME_LIMIT_MS = 300_000;

interface Change {
  start: number;
  end: number;
  text: string;
}

/** A change of `file`, whose path is relative to the package. */
type Mutation = Change & { file: string };

/** A node of the syntax tree, with the fields that the code below uses. */
interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

const SWAPPED = new Map(
  ['=== !==', '< <=', '> >=', '&& ||', '+ -'].flatMap((pair) => {
    const [one = '', other = ''] = pair.split(' ');
    return [[one, other] as const, [other, one] as const];
  }),
);

const main = async (argv: string[]): Promise<number> => {
  const { values } = parseArgs({
    args: argv,
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      count: { type: 'string', default: '30' },
      only: { type: 'string', default: '{s3,sqs}' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) process.stdout.write(USAGE);
  if (values.help) return 0;
  const [seed, count] = [Number(values.seed), Number(values.count)];
  if (!Number.isInteger(seed) || !(count > 0) || !/^(s3|sqs|\{s3,sqs\})$/.test(values.only))
    throw new TypeError(USAGE);
  const mutations = globSync(`src/${values.only}/**/*.ts`, { cwd: PACKAGE })
    .flatMap(mutationsOf)
    .map((mutation) => ({ mutation, rank: draw(seed, mutation.file, mutation.start, mutation.text) }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ mutation }) => mutation);
  console.log(`seed ${seed}, ${mutations.length} changes`);
  if (values.list) console.log(mutations.map(describe).join('\n'));
  return values.list ? 0 : await testAll(mutations);
};

const mutationsOf = (file: string): Mutation[] => {
  const source = readFileSync(join(PACKAGE, file), 'utf8');
  const found: Mutation[] = [];
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node, (node) => {
    const change = changeOf(node, source);
    if (change !== null) found.push({ file, ...change });
  });
  return found;
};

/**
 * Types of nodes without an effect at run time, such as types and imports. `as`, `satisfies` and `!` are not
 * among them, because they contain an expression.
 */
const HAS_NO_BEHAVIOUR = /^(TS(?!As|Satisfies|NonNull)|Import|Export(All|Specifier))/;

const visit = (node: Node, onNode: (node: Node) => void): void => {
  if (HAS_NO_BEHAVIOUR.test(node.type)) return;
  onNode(node);
  for (const child of Object.values(node).flat() as (Node | null | undefined)[])
    if (typeof child === 'object' && child !== null && 'type' in child) visit(child, onNode);
};

const changeOf = (node: Node, source: string): Change | null => {
  const { type, start, end, value, operator } = node;
  const [left, right, yes, no] = ['left', 'right', 'consequent', 'alternate'].map(
    (name) => node[name] as Node,
  );
  const textOf = (part: Node | undefined): string => source.slice(part?.start, part?.end);
  if (left && right && typeof operator === 'string' && SWAPPED.has(operator)) {
    const between = source.slice(left.end, right.start);
    return {
      start: left.end,
      end: right.start,
      text: between.replace(operator, SWAPPED.get(operator) ?? ''),
    };
  }
  if (type === 'Literal' && typeof value === 'boolean') return { start, end, text: String(!value) };
  if (type === 'Literal' && typeof value === 'number') return { start, end, text: String(value + 1) };
  if (type === 'UnaryExpression' && operator === '!')
    return { start, end, text: textOf(node['argument'] as Node) };
  if (type === 'ConditionalExpression' && yes && no)
    return { start: yes.start, end: no.end, text: `${textOf(no)} : ${textOf(yes)}` };
  const isGuard = type === 'IfStatement' && /^(Return|Throw)/.test(yes?.type ?? '');
  return isGuard ? { start, end, text: ';' } : null;
};

const describe = ({ file, start, end, text }: Mutation): string => {
  const source = readFileSync(join(PACKAGE, file), 'utf8');
  const line = source.slice(0, start).split('\n').length;
  const oneLine = (code: string): string => code.replaceAll(/\s+/g, ' ').slice(0, 90);
  const before = source.slice(source.lastIndexOf('\n', start) + 1, start).trimStart();
  return `${file}:${line}: ${oneLine(`${before}[${source.slice(start, end)}]`)} -> ${oneLine(`[${text}]`)}`;
};

const testAll = async (mutations: Mutation[]): Promise<number> => {
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
  try {
    const copies = Array.from({ length: AT_ONCE }, (_, index) => join(COPIES, String(index)));
    for (const copy of copies) copyPackage(copy);
    const failed = await firstFailure(copies[0] ?? '', interruption.signal);
    if (failed !== null) throw new TypeError(`The tests fail without any change: ${failed}`);
    const waiting = [...mutations];
    let survived = 0;
    const work = async (copy: string): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const caughtBy = await testOne(copy, next, interruption.signal);
        if (caughtBy === null) survived++;
        console.log(`${describe(next)}\n  ${caughtBy === null ? 'SURVIVED' : `caught by ${caughtBy}`}`);
      }
    };
    await Promise.all(copies.map(work));
    console.log(`${mutations.length - survived} caught, ${survived} survived`);
    return survived > 0 ? 1 : 0;
  } finally {
    rmSync(COPIES, { recursive: true, force: true });
  }
};

const copyPackage = (copy: string): void => {
  mkdirSync(copy, { recursive: true });
  for (const name of ['package.json', 'vitest.config.ts']) cpSync(join(ROOT, name), join(copy, name));
  cpSync(PACKAGE, join(copy, 'packages/local-aws'), { recursive: true });
};

const testOne = async (copy: string, mutation: Mutation, signal: AbortSignal): Promise<string | null> => {
  const path = join(copy, 'packages/local-aws', mutation.file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, source.slice(0, mutation.start) + mutation.text + source.slice(mutation.end));
  const caughtBy = await firstFailure(copy, signal);
  writeFileSync(path, source);
  return caughtBy;
};

/** Returns the first test that fails. The conformance suite runs only if the faster unit tests pass. */
const firstFailure = async (copy: string, signal: AbortSignal): Promise<string | null> =>
  (await run(copy, ['s3/', 'sqs/'], signal)) ?? (await run(copy, ['conformance'], signal));

const run = async (copy: string, tests: string[], signal: AbortSignal): Promise<string | null> => {
  signal.throwIfAborted();
  const paths = tests.map((name) => `packages/local-aws/tests/${name}`);
  const args = [VITEST, 'run', '--root', copy, '--project', 'units', '--bail', '1', ...paths];
  // The run gets its own process group, so that workers in an endless loop are killed together with it.
  const child = spawn(process.execPath, args, { cwd: copy, detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const kill = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
  const timer = setTimeout(kill, TIME_LIMIT_MS);
  signal.addEventListener('abort', kill);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (code === 0) return null;
  return (
    /FAIL\s+(.+)/.exec(stripVTControlCharacters(output))?.[1] ??
    (code === null ? 'the time limit' : 'a crash')
  );
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { name, message, stack } = error as Error;
  if (name !== 'AbortError') process.stderr.write(`${name === 'TypeError' ? message : stack}\n`);
  process.exitCode = name === 'AbortError' ? 130 : 2;
}
