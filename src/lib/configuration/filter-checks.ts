/** Checks `filter` and `exclude` of well-formed rules. */
import type { Finding, Path } from './problem.ts';
import type { RuleShape } from './rule-schema.ts';

type ExclusionShape = RuleShape['exclude'][number];

/** Checks which objects a rule selects and leaves out. `index` is the position of the rule in the file. */
export function checkFilters({
  index,
  rule: { source, filter, exclude },
}: {
  index: number;
  rule: RuleShape;
}): Finding[] {
  const at: Path = ['rules', index];
  return [
    ...checkSizes([...at, 'filter'], filter),
    ...exclude.flatMap((line, position) => checkExclusion([...at, 'exclude', position], line, source)),
  ];
}

/** Checks a line of `exclude`. A line without a condition would leave out every object. */
function checkExclusion(path: Path, line: ExclusionShape, source: RuleShape['source']): Finding[] {
  const { prefix = '', suffix = '', tags, minimumBytes, maximumBytes } = line;
  const isEmpty = prefix + suffix === '' && Object.keys(tags).length === 0;
  if (isEmpty && minimumBytes === undefined && maximumBytes === undefined) {
    return [
      {
        path,
        found: 'a line without a condition, which would leave out every object',
        fix: 'give the line a `prefix:`, `suffix:`, `tags:`, `minimumBytes:` or `maximumBytes:`, or remove it',
      },
    ];
  }
  return [...checkPrefix(path, line, source), ...checkSizes(path, line)];
}

/** Checks the prefix of a line. Like the prefix of the source, it is compared with the beginning of the whole key. */
function checkPrefix(path: Path, { prefix = '' }: ExclusionShape, source: RuleShape['source']): Finding[] {
  if (prefix.startsWith(source.prefix) || source.prefix.startsWith(prefix)) return [];
  return [
    {
      path: [...path, 'prefix'],
      found: `${JSON.stringify(prefix)}, while all keys of the source begin with ${JSON.stringify(source.prefix)}`,
      fix: 'give the beginning of the whole key, with the prefix of the source, or remove the line: it leaves nothing out',
    },
  ];
}

function checkSizes(
  path: Path,
  { minimumBytes = 0, maximumBytes = Infinity }: Pick<RuleShape['filter'], 'maximumBytes' | 'minimumBytes'>,
): Finding[] {
  if (minimumBytes <= maximumBytes) return [];
  return [
    {
      path: [...path, 'minimumBytes'],
      found: `${minimumBytes}, while \`maximumBytes\` is ${maximumBytes}`,
      fix: 'no object is that large and that small: make `minimumBytes` the smaller number',
    },
  ];
}
