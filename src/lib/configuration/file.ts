/** Reads a YAML file, and can give the line of every value. */
import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
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
  const problems = document.errors.map(({ message, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    return {
      path: '',
      line,
      found: `${message} (column ${col})`,
      fix: 'correct the YAML syntax at this place',
    };
  });
  return {
    content: problems.length > 0 ? null : document.toJS(),
    problems,
    lineOf: (path) => {
      const offset = offsetOf(document, path);
      return offset === null ? null : lineCounter.linePos(offset).line;
    },
  };
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
