/** Checks `filter` and `exclude` of well-formed rules. */
import type { Finding, Path } from './problem.ts';
import type { RuleShape } from './rule-schema.ts';

/** Checks which objects a rule selects and leaves out. `index` is the position of the rule in the file. */
export function checkFilters({
  index,
  rule: { filter, exclude },
}: {
  index: number;
  rule: RuleShape;
}): Finding[] {
  const at: Path = ['rules', index];
  return [
    ...checkSizes([...at, 'filter'], filter),
    ...exclude.flatMap((line, position) => checkExclusion([...at, 'exclude', position], line)),
  ];
}

/** A line without a condition would leave out every object. */
function checkExclusion(path: Path, line: RuleShape['exclude'][number]): Finding[] {
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
  return checkSizes(path, line);
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
