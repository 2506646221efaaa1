/** docs/configuration.md names each option of replication.yml, and the default that the schema has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const DOCS = join(import.meta.dirname, '../../docs');

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  default?: unknown;
}

const schema: Schema = JSON.parse(readFileSync(join(DOCS, 'replication.schema.json'), 'utf8'));

/** Each option without options of its own, with its default. */
const optionsIn = ({ properties = {}, items, anyOf = [] }: Schema, path: string): [string, unknown][] => [
  ...Object.entries(properties).flatMap(([name, inner]): [string, unknown][] => {
    const all = optionsIn(inner, `${path}${name}.`);
    return all.length > 0 ? all : [[path + name, inner.default]];
  }),
  ...(items === undefined ? [] : optionsIn(items, `${path.slice(0, -1)}[].`)),
  ...anyOf.flatMap((each) => optionsIn(each, path)),
];

/** The rows of the table: the options of the first column, and the text of the second. */
const rows = readFileSync(join(DOCS, 'configuration.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, first = '', second = ''] = /^\| (`.*?) +\| (.*?) +\|/.exec(line) ?? [];
    const names = [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const parent = names[0]?.replace(/[^.]*$/, '') ?? '';
    return [{ names: names.map((name) => (name.startsWith('.') ? parent + name.slice(1) : name)), second }];
  })
  .filter(({ names }) => names.length > 0);

const documented = new Map(
  rows.flatMap(({ names, second }) => names.map((name, index) => [name, { index, second }])),
);

const isInBlock = (option: string): boolean =>
  documented.has('rules[].brake') && option.startsWith('rules[].brake.');

test.each(optionsIn(schema, '').filter(([option]) => !isInBlock(option)))(
  'the option %s stands in docs/configuration.md with its default',
  (option, fallback) => {
    const row = documented.get(option);
    expect(row, option).toBeDefined();
    if (fallback === undefined || fallback === '' || typeof fallback === 'object') return;
    expect(row?.second.replaceAll(/[`,]/g, ' ').split(/\s+/)).toContain(String(fallback));
  },
);

test('docs/configuration.md names no option that the schema does not have', () => {
  const known = new Set(optionsIn(schema, '').map(([option]) => option.split('.')[0]));
  for (const [name] of documented) if (/[.[]/.test(name)) expect(known, name).toContain(name.split('.')[0]);
});
