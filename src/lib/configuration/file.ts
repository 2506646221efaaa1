/** Reads a YAML file, and can give the line of every value. */
import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Alias, Document } from 'yaml';
import type { ConfigurationProblem, Path } from './problem.ts';

export interface ConfigurationFile {
  /** The content as plain values. */
  content: unknown;
  /** Syntax errors. While there are any, the file cannot be checked further. */
  problems: ConfigurationProblem[];
  /**
   * Returns the line, from 1, of the value at a path. If the value is missing, returns the line of the block that should contain
   * it.
   */
  lineOf(path: Path): number | null;
}

export function readConfigurationFile(text: string): ConfigurationFile {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const problemAt = (offset: number, what: string, fix: string): ConfigurationProblem => {
    const { line, col } = lineCounter.linePos(offset);
    return { path: '', line, found: `${what} (column ${col})`, fix };
  };
  const errors = document.errors.map(({ message, pos }) =>
    problemAt(pos[0], message, 'correct the YAML syntax at this place'),
  );
  const problems =
    errors.length > 0
      ? errors
      : wrongAliases(document).map(({ alias, found }) =>
          problemAt(alias.range?.[0] ?? 0, found, 'write the value itself in place of the alias'),
        );
  return {
    content: problems.length > 0 ? null : document.toJS({ maxAliasCount: -1 }),
    problems,
    lineOf: (path) => {
      const offset = offsetOf(document, path);
      return offset === null ? null : lineCounter.linePos(offset).line;
    },
  };
}

/**
 * Maximum number of values to which the aliases of a file may expand. A few nested aliases can stand for billions of values, and no
 * configuration needs this many.
 */
const MAXIMUM_EXPANDED_VALUES = 100_000;

/** Finds aliases that name nothing or contain themselves, or else the first alias of a file whose aliases expand to too much. */
function wrongAliases(document: Document): { alias: Alias; found: string }[] {
  const aliases: Alias[] = [];
  const wrong: { alias: Alias; found: string }[] = [];
  visit(document, {
    Alias(_, alias, path) {
      aliases.push(alias);
      const target = alias.resolve(document);
      if (target === undefined)
        wrong.push({ alias, found: `nothing before *${alias.source} has the anchor &${alias.source}` });
      else if (path.includes(target)) wrong.push({ alias, found: `*${alias.source} contains itself` });
    },
  });
  const [first] = aliases;
  if (wrong.length > 0 || first === undefined) return wrong;
  const isTooMuch = expandedValues(document, document.contents, new Map()) > MAXIMUM_EXPANDED_VALUES;
  return isTooMuch ? [{ alias: first, found: 'the aliases of this file stand for too many values' }] : [];
}

/** Counts the values below a node, with each alias counted as all that it stands for. `known` keeps what was already counted. */
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

function offsetOf(document: Document, path: Path): number | null {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? null) : null;
  for (const step of path) {
    const found = isMap(node) ? entryOf(node.items, step) : isSeq(node) ? itemOf(node.items, step) : null;
    if (!found) break;
    offset = found.offset ?? offset;
    node = found.value;
  }
  return offset;
}

interface PathStep {
  offset: number | null;
  value: unknown;
}

/** Finds an entry of a map. The offset is that of the entry's key, because a block value begins on a later line than its key. */
function entryOf(pairs: { key: unknown; value: unknown }[], step: string | number): PathStep | null {
  const pair = pairs.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (!pair) return null;
  return { offset: isNode(pair.key) ? (pair.key.range?.[0] ?? null) : null, value: pair.value };
}

function itemOf(items: unknown[], step: string | number): PathStep | null {
  const value = items[Number(step)];
  return isNode(value) ? { offset: value.range?.[0] ?? null, value } : null;
}
