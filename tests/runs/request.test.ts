import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { parseRunRequest } from '../../src/lib/runs/request.ts';
import { testConfiguration, testDestination, testRule } from '../model/settings.ts';

const configuration = testConfiguration(
  testRule({
    id: 'invoices',
    source: { ...testRule().source, prefix: 'invoices/' },
    destinations: [testDestination({ id: 'near' }), testDestination({ id: 'far' })],
    deletes: 'ignore',
    versions: 'latest',
  }),
  testRule({ id: 'media', deletes: 'replicate', versions: 'all' }),
);
const parse = (payload: unknown) => parseRunRequest(payload, configuration);

test('a request for a rule becomes one run for each destination, with the versions of the rule', () => {
  const spec = {
    kind: 'backfill',
    rule: 'invoices',
    prefix: '',
    since: null,
    versions: 'latest',
    repair: false,
    deleteExtra: false,
    acceptLeftOut: false,
    attributes: 'listed',
  };
  expect(parse({ rule: 'invoices' })).toEqual({
    action: 'start',
    specs: [
      { ...spec, destination: 'near' },
      { ...spec, destination: 'far' },
    ],
  });
  expect(parse({ rule: 'invoices', destination: 'far', since: '2026-11-01' })).toMatchObject({
    specs: [{ destination: 'far', since: '2026-11-01T00:00:00.000Z' }],
  });
  // S3 gives times in whole seconds.
  expect(parse({ rule: 'invoices', destination: 'far', since: '2026-11-01T12:00:05.9+02:00' })).toMatchObject(
    {
      specs: [{ since: '2026-11-01T10:00:05.000Z' }],
    },
  );
});

test.each([
  [null, 'must be a JSON object'],
  ['start', 'must be a JSON object'],
  [{}, '"rule" is missing: give the id of one of the deployed rules (invoices, media)'],
  [{ rule: 'x' }, 'there is no rule "x"'],
  [{ rule: 'invoices', destination: 'x' }, 'rule "invoices" has no destination "x": it has near, far'],
  [{ rule: 'invoices', prefix: 'contracts/' }, 'all keys of rule "invoices" begin with "invoices/"'],
  [{ rule: 'invoices', prefix: 7 }, '"prefix" is 7'],
  [{ rule: 'invoices', versions: 'all' }, 'replicates only the latest version'],
  [{ rule: 'invoices', since: 'monday' }, '"since" is "monday"'],
  [{ rule: 'invoices', since: '5' }, '"since" is "5"'],
  [{ rule: 'invoices', since: 'build 3' }, '"since" is "build 3"'],
  [{ rule: 'invoices', since: '2026-11-01T12:00' }, '"since" is "2026-11-01T12:00"'],
  [{ rule: 'invoices', since: '2026-02-30' }, '"since" is "2026-02-30"'],
  [{ rule: 'invoices', prefix: 'invoices/\ud83d' }, 'not valid Unicode'],
  [{ rule: 'invoices', prefix: `invoices/${'x'.repeat(1_024)}` }, 'longer than any key'],
  [{ rule: 'invoices', estimate: {} }, '"estimate" is not a field'],
  [{ rule: 'media', deleteExtra: true }, '"deleteExtra" belongs to "kind": "verify"'],
  [
    { rule: 'media', kind: 'verify', repair: true, deleteExtra: true, since: '2026-11-01' },
    '"deleteExtra" looks at all keys',
  ],
  [{ rule: 'invoices', repair: true }, 'a backfill always repairs'],
  [{ rule: 'invoices', repair: 'yes' }, 'it must be true or false'],
  [{ rule: 'invoices', deleteExtra: true }, 'needs `deletes: replicate`'],
  [{ rule: 'media', kind: 'verify', deleteExtra: true }, 'a verify also needs "repair": true'],
  [{ action: 'stop' }, '"action" is "stop": it must be one of start, pause'],
  [{ action: 'pause' }, '"run" must be the id of a run'],
  [{ action: 'list', what: 1 }, '"what" is not a field'],
])('the request %j is refused with the reason', (payload, why) => {
  const answer = parse(payload);
  expect('problems' in answer && answer.problems.join('\n')).toContain(why);
});

test('the request in events/backfill.json is valid for the replication.yml of the repository', () => {
  const sample: unknown = JSON.parse(readFileSync('events/backfill.json', 'utf8'));
  const { replication } = loadConfiguration('replication.yml');
  expect(parseRunRequest(sample, replication)).toMatchObject({
    action: 'start',
    specs: [{ kind: 'verify', rule: 'invoices', destination: 'archive' }],
  });
});
