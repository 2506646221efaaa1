/** Translates the issues that Zod reports into findings for the person who edits the file. */
import type { ZodError } from 'zod';
import type { Finding, Path } from './problem.ts';
import { SECTIONS } from './schema.ts';
import { nearestWord } from '../text/nearest-word.ts';

/**
 * Returns at most one finding for each path: the first problem there. `value` is the checked value, and `base` is its path in the
 * file.
 */
export function findingsOf(error: ZodError, value: unknown, base: Path): Finding[] {
  const findings = new Map<string, Finding>();
  const misspelt = new Set<string>();
  for (const issue of error.issues) {
    const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const path = [...base, ...steps];
    const at = valueAt(value, steps);
    if (issue.code !== 'unrecognized_keys') {
      if (!findings.has(String(path))) findings.set(String(path), { path, ...explain(issue, path, at) });
      continue;
    }
    for (const key of issue.keys) {
      const meant = nearestOption(path, key, at);
      if (meant) misspelt.add(String([...path, meant]));
      findings.set(String([...path, key]), {
        path: [...path, key],
        ...unknownOptionFinding(path, key, meant),
      });
    }
  }
  // If an option is misspelt, the right option is not also reported as missing.
  for (const path of misspelt) findings.delete(path);
  return [...findings.values()];
}

function explain(issue: ZodError['issues'][number], path: Path, value: unknown): Omit<Finding, 'path'> {
  const name = String(path.at(-1));
  if (issue.code === 'invalid_key') {
    return { found: describeValue(name), fix: issue.issues[0]?.message ?? 'choose another name' };
  }
  return { found: describeValue(value), fix: issue.message };
}

/** Returns the unused option of this section that `key` most likely means, or null if there is none. */
function nearestOption(section: Path, key: string, content: unknown): string | null {
  if (LATER_OPTIONS.has(key)) return null;
  const unused = optionsOf(section).filter((name) => valueAt(content, [name]) === undefined);
  return nearestWord(key, unused);
}

const optionsOf = (section: Path): string[] =>
  SECTIONS[section.filter((step) => typeof step === 'string').join('.')] ?? [];

function unknownOptionFinding(section: Path, key: string, meant: string | null): Omit<Finding, 'path'> {
  const found = `the unknown option \`${key}\``;
  const later = LATER_OPTIONS.get(key);
  if (later !== undefined) return { found: `the option \`${key}\``, fix: later };
  if (meant) return { found, fix: `did you mean \`${meant}\`?` };
  const elsewhere = sectionWith(key, section);
  if (elsewhere === null)
    return { found, fix: `remove it; options here are ${optionsOf(section).join(', ')}` };
  return {
    found,
    fix: `it belongs ${elsewhere === '' ? 'at the top of the file' : `under \`${elsewhere}:\``}`,
  };
}

/**
 * Returns the section to which an option belongs. A section below `section` is preferred: `bucket` in a rule means the bucket of
 * its source, not the bucket of reports. Otherwise returns the section closest to the top of the file, or null if no section has
 * the option.
 */
function sectionWith(key: string, section: Path): string | null {
  const all = Object.keys(SECTIONS)
    .filter((name) => SECTIONS[name]?.includes(key))
    .toSorted((a, b) => depthOf(a) - depthOf(b));
  const below = section.filter((step) => typeof step === 'string').join('.');
  return all.find((name) => name.startsWith(`${below}.`)) ?? all[0] ?? null;
}

/**
 * Returns how deep a section is. A rule is an item of a list, so its blocks count as deeper than other blocks of the same depth.
 */
const depthOf = (name: string): number => name.split('.').length + (name.startsWith('rules') ? 0.5 : 0);

/**
 * Options that belong in `replication.yml` but are not implemented yet, each with its advice. If they were ignored instead of
 * refused, somebody might rely on a feature that does not exist yet.
 */
const LATER_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['schedule', 'not yet: scheduled runs will come in a later version; remove the line'],
]);

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a block of options';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return `the truth value ${value}`;
  return shorten(JSON.stringify(value));
}

const shorten = (text: string): string => (text.length <= 120 ? text : `${text.slice(0, 117)}…`);
