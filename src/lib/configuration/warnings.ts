/** Finds settings that can be deployed, but are most likely a mistake. */
import type { PlacedRule } from './placed.ts';
import { platformWarnings } from './platform-checks.ts';
import type { Finding } from './problem.ts';
import type { FileShape } from './schema.ts';

/** Returns the warnings of a file without problems. */
export const warningsOf = (file: FileShape, rules: readonly PlacedRule[], region: string): Finding[] => [
  ...platformWarnings(file.stack, region, rules),
  ...alarmWarnings(file.stack.alarms),
  ...reportWarnings(file.backfill),
  ...rules.flatMap((placed) => [
    ...prefixWarnings(placed),
    ...neighbourWarnings(placed, rules),
    ...brakeWarnings(placed),
  ]),
];

const alarmWarnings = ({ email, topicArn }: FileShape['stack']['alarms']): Finding[] =>
  email !== undefined || topicArn !== undefined
    ? []
    : [
        {
          path: ['stack', 'alarms', 'email'],
          found: 'nobody who receives alarms',
          fix: "add `email:` or `topicArn:`, unless somebody subscribes to the stack's topic",
        },
      ];

const reportWarnings = ({ report }: FileShape['backfill']): Finding[] =>
  report !== undefined
    ? []
    : [
        {
          path: ['backfill', 'report'],
          found: 'no bucket for reports',
          fix: 'add `report:` with `bucket:`; without it a run shows how many keys differ, but not which',
        },
      ];

const prefixWarnings = ({ index, rule }: PlacedRule): Finding[] => [
  ...strangeCharacters(['rules', index, 'source', 'prefix'], rule.source.prefix),
  ...rule.destinations.flatMap(({ prefix }, position): Finding[] => {
    const path = ['rules', index, 'destinations', position, 'prefix'];
    if (prefix === undefined) return [];
    const takesFolders = rule.source.prefix === '' || rule.source.prefix.endsWith('/');
    const isGlued = takesFolders && prefix !== '' && !prefix.endsWith('/');
    return [
      ...strangeCharacters(path, prefix),
      ...(isGlued
        ? [
            {
              path,
              found: `${JSON.stringify(prefix)} without / at its end: the replica of ${rule.source.prefix}a.txt is ${prefix}a.txt`,
              fix: `write ${JSON.stringify(`${prefix}/`)} if it is meant as a folder`,
            },
          ]
        : []),
    ];
  }),
];

const strangeCharacters = (path: Finding['path'], prefix: string): Finding[] => {
  const fix = 'a prefix is the exact beginning of keys';
  if (prefix.startsWith('/'))
    return [
      {
        path,
        found: `${JSON.stringify(prefix)}, which begins with /`,
        fix: `${fix}, and hardly any key begins with /`,
      },
    ];
  if (prefix.includes('*'))
    return [
      {
        path,
        found: `${JSON.stringify(prefix)} with *`,
        fix: `${fix}: * stands for itself, not for other characters`,
      },
    ];
  return [];
};

/** Warns if a prefix without `/` also matches the keys of another rule: `invoices` matches `invoices-old/`. */
const neighbourWarnings = ({ index, rule }: PlacedRule, rules: readonly PlacedRule[]): Finding[] => {
  const { bucket, prefix } = rule.source;
  const other = rules.find(
    (each) =>
      prefix !== '' &&
      !prefix.endsWith('/') &&
      each.index !== index &&
      each.rule.source.bucket === bucket &&
      each.rule.source.prefix.startsWith(prefix) &&
      each.rule.source.prefix !== prefix,
  );
  return other === undefined
    ? []
    : [
        {
          path: ['rules', index, 'source', 'prefix'],
          found: `${JSON.stringify(prefix)}, with which ${JSON.stringify(other.rule.source.prefix)} of rule "${other.rule.id}" begins too`,
          fix: `write ${JSON.stringify(`${prefix}/`)} if only that folder is meant`,
        },
      ];
};

const brakeWarnings = ({ index, rule: { deletes, brake } }: PlacedRule): Finding[] =>
  deletes === 'replicate' && brake === 'off'
    ? [
        {
          path: ['rules', index, 'brake'],
          found: '`off` beside `deletes: replicate`',
          fix: 'remove the line: then a brake holds deletes that are too many to be meant',
        },
      ]
    : [];
