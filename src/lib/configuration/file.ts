/** Reads a YAML file, and can give the line of every value. */
import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Alias, Document, Node, Scalar, YAMLMap } from 'yaml';
import type { Place } from './code-frame.ts';
import type { ConfigurationProblem, Path } from './problem.ts';

export interface ConfigurationFile {
  /** The content as plain values. */
  content: unknown;
  /** Syntax errors. While there are any, the file cannot be checked further. */
  problems: ConfigurationProblem[];
  /**
   * Returns the place of the value at a path, or of its key if the value begins on another line. If the value is missing, returns the
   * place of the block that should contain it.
   */
  placeOf(path: Path): Place | null;
}

export function readConfigurationFile(text: string): ConfigurationFile {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true });
  const problemAt = (offset: number, what: string, fix: string): ConfigurationProblem => {
    const { line, col } = lineCounter.linePos(offset);
    return { path: '', line, column: col, found: what, fix };
  };
  const errors = document.errors.map(({ message, pos }) =>
    problemAt(pos[0], message, 'correct the YAML syntax at this place'),
  );
  const problems =
    errors.length > 0
      ? errors
      : wrongAliases(document).map(({ node, found }) =>
          problemAt(node.range?.[0] ?? 0, found, 'write the value itself in place of the alias'),
        );
  return {
    content: problems.length > 0 ? null : document.toJS({ maxAliasCount: -1 }),
    problems,
    placeOf(path) {
      const offsets = offsetsOf(document, path);
      const [key, value] = offsets.map((offset) => {
        const { line, col } = lineCounter.linePos(offset);
        return { line, column: col };
      });
      return value !== undefined && value.line === key?.line ? value : (key ?? null);
    },
  };
}

/**
 * Maximum number of values to which the aliases of a file may expand. A few nested aliases can stand for billions of values, and no
 * configuration needs this many.
 */
const MAXIMUM_EXPANDED_VALUES = 100_000;

/**
 * Finds merge keys without a block, and aliases that name nothing or contain themselves. If there are none, but the aliases expand
 * to too many values, returns the first alias of the file.
 */
function wrongAliases(document: Document): { node: Node; found: string }[] {
  const aliases: Alias[] = [];
  const wrong: { node: Node; found: string }[] = [];
  visit(document, {
    Pair(_, { key, value }) {
      if (isMergeKey(key) && mergedBlocks(document, value).includes(null))
        wrong.push({ node: key, found: '`<<` with something that is no block of options' });
    },
    Alias(_, alias, path) {
      aliases.push(alias);
      const target = alias.resolve(document);
      if (target === undefined)
        wrong.push({ node: alias, found: `nothing before *${alias.source} has the anchor &${alias.source}` });
      else if (path.includes(target)) wrong.push({ node: alias, found: `*${alias.source} contains itself` });
    },
  });
  const [first] = aliases;
  if (wrong.length > 0 || first === undefined) return wrong;
  const isTooMuch = expandedValues(document, document.contents, new Map()) > MAXIMUM_EXPANDED_VALUES;
  return isTooMuch ? [{ node: first, found: 'the aliases of this file stand for too many values' }] : [];
}

/** Returns the blocks that a merge key adds to its own block, with null for each value that is not a block. */
function mergedBlocks(document: Document, value: unknown): (YAMLMap | null)[] {
  const source = isAlias(value) ? value.resolve(document) : value;
  return (isSeq(source) ? source.items : [source]).map((each) => {
    const block = isAlias(each) ? each.resolve(document) : each;
    return isMap(block) ? block : null;
  });
}

const isMergeKey = (key: unknown): key is Scalar => isScalar(key) && key.source === '<<';

/** Counts the values below a node. An alias counts as all values that it stands for. `known` holds the counts of other nodes. */
function expandedValues(document: Document, node: unknown, known: Map<unknown, number>): number {
  const counted = known.get(node);
  if (counted !== undefined) return counted;
  const below: unknown[] = isAlias(node)
    ? [node.resolve(document)]
    : isMap(node)
      ? node.items.flatMap(({ key, value }) => [key, value])
      : isSeq(node)
        ? node.items
        : [];
  const total = below.reduce<number>((sum, child) => sum + expandedValues(document, child, known), 1);
  known.set(node, total);
  return total;
}

/** Returns up to two offsets for a path: that of the key, and that of the value if the file has it. */
function offsetsOf(document: Document, path: Path): number[] {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const step of path) {
    const block = isAlias(node) ? node.resolve(document) : node;
    const found = isMap(block)
      ? entryOf(document, block, step)
      : isSeq(block)
        ? itemOf(block.items, step)
        : null;
    if (!found) return offset === null ? [] : [offset];
    offset = found.offset ?? offset;
    node = found.value;
  }
  return [offset, startOf(node)].filter((each) => each !== null);
}

const startOf = (node: unknown): number | null => (isNode(node) ? (node.range?.[0] ?? null) : null);

interface PathStep {
  offset: number | null;
  value: unknown;
}

/**
 * Finds an entry of a map, or else of the maps that it merges. The offset is that of the entry's key, because a block value begins on a
 * later line than its key.
 */
function entryOf(document: Document, { items }: YAMLMap, step: string | number): PathStep | null {
  const pair = items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (pair) return { offset: startOf(pair.key), value: pair.value };
  const merged = items.flatMap(({ key, value }) => (isMergeKey(key) ? mergedBlocks(document, value) : []));
  return (
    merged
      .map((block) => (block === null ? null : entryOf(document, block, step)))
      .find((found) => found !== null) ?? null
  );
}

function itemOf(items: unknown[], step: string | number): PathStep | null {
  const value = items[Number(step)];
  return isNode(value) ? { offset: startOf(value), value } : null;
}
