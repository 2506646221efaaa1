import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { run } from '../cli/run.ts';
import { destination, file, rule } from './yaml.ts';

const HEALTHY = {
  stack: { alarms: { email: 'ops@example.com' } },
  backfill: { report: { bucket: 'acme-reports' } },
};

/** Each warning as `path: found`. */
const warnings = (text: string): string[] =>
  parseConfiguration(text).warnings.map(({ path, found }) => `${path}: ${found}`);

const withRules = (...rules: Parameters<typeof file>[0]): string => file(rules, HEALTHY);

const one = (source: object, target: object = {}, more: object = {}) =>
  rule('one', { bucket: 'acme-documents', ...source }, [destination('acme-replica', { ...target })], {
    ...more,
  });

test('a configuration in which all is meant has no warnings', () => {
  expect(
    warnings(
      withRules(
        one({ prefix: 'invoices/' }),
        rule('two', { bucket: 'acme-documents', prefix: 'reports' }, [destination('other')]),
      ),
    ),
  ).toEqual([]);
});

test('nobody who receives alarms, and no bucket for reports, are warnings', () => {
  const text = file([one({})]);
  expect(warnings(text)).toEqual([
    'stack.alarms.email: nobody who receives alarms',
    'backfill.report: no bucket for reports',
  ]);
  const topicArn = 'arn:aws:sns:us-east-1:111111111111:alarms';
  expect(warnings(file([one({})], { ...HEALTHY, stack: { alarms: { topicArn } } }))).toEqual([]);
});

test.each([
  [
    'a source prefix that begins with /',
    one({ prefix: '/in/' }),
    'rules[0].source.prefix: "/in/", which begins with /',
  ],
  ['a source prefix with *', one({ prefix: 'in/*' }), 'rules[0].source.prefix: "in/*" with *'],
  [
    'a destination prefix that begins with /',
    one({}, { prefix: '/out/' }),
    'rules[0].destinations[0].prefix: "/out/", which begins with /',
  ],
  [
    'a destination prefix that is glued to keys',
    one({ prefix: 'in/' }, { prefix: 'out' }),
    'rules[0].destinations[0].prefix: "out" without / at its end: the replica of in/a.txt is outa.txt',
  ],
  [
    'deletes without a brake',
    one({}, {}, { deletes: 'replicate', brake: 'off' }),
    'rules[0].brake: `off` beside `deletes: replicate`',
  ],
])('%s is a warning', (_, only, expected) => {
  expect(warnings(withRules(only))).toEqual([expected]);
});

test('a prefix that also takes the folder of another rule is a warning', () => {
  const other = rule('old', { bucket: 'acme-documents', prefix: 'invoices-old/' }, [
    destination('other-replica'),
  ]);
  expect(warnings(withRules(one({ prefix: 'invoices' }), other))).toEqual([
    'rules[0].source.prefix: "invoices", with which "invoices-old/" of rule "old" begins too',
  ]);
  expect(warnings(withRules(one({ prefix: 'invoices/' }), other))).toEqual([]);
});

test('an option that is not there has no line, and another has its line', () => {
  const text =
    'rules:\n  - id: a\n    source:\n      bucket: acme-documents\n      prefix: /a/\n    destinations:\n' +
    `      - ${JSON.stringify(destination('acme-replica'))}\n`;
  expect(parseConfiguration(text).warnings.map(({ path, line }) => [path, line])).toEqual([
    ['stack.alarms.email', null],
    ['backfill.report', null],
    ['rules[0].source.prefix', 5],
  ]);
});

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-'));
  await writeFile(join(cwd, 'replication.yml'), file([one({ prefix: '/in/' })], HEALTHY));
});
afterEach(() => rm(cwd, { recursive: true }));

test('config check prints and counts warnings, and fails by them only with --strict', async () => {
  const { code, out, err } = await run(['config', 'check'], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain(
    '\nOne warning:\n\n  replication.yml:1  rules[0].source.prefix\n    found: "/in/", which begins with /\n    fix:   ',
  );
  expect((await run(['config', 'check', '--strict'], { cwd })).code).toBe(3);
  const json = await run(['config', 'check', '--strict', '--json'], { cwd });
  expect([json.code, JSON.parse(json.out)]).toMatchObject([
    3,
    { ok: true, warnings: [{ path: 'rules[0].source.prefix' }] },
  ]);
});

test('config check --strict without warnings, or with problems, keeps its exit codes', async () => {
  await writeFile(join(cwd, 'replication.yml'), withRules(one({})));
  expect((await run(['config', 'check', '--strict'], { cwd })).code).toBe(0);
  await writeFile(join(cwd, 'replication.yml'), 'rules: []\n');
  expect((await run(['config', 'check', '--strict'], { cwd })).code).toBe(1);
});
