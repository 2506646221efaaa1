/**
 * What `filter` and `exclude` select. For one table of cases, live replication, a backfill, a verify, `copy`, an estimate and `explain`
 * must all give the same answer.
 */
import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { assign } from '../../src/lib/hint/route.ts';
import { filterProblem, judgeRules } from '../../src/lib/inspect/matching.ts';
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { asksForTags } from '../../src/lib/model/filter.ts';
import type { Exclusion, Filter, ReplicationRule } from '../../src/lib/model/rule.ts';
import { createWorkCounter } from '../../src/lib/runs/estimate/workload.ts';
import { openGate } from '../model/memory-source.ts';
import { s3Event, testConfiguration, testRule } from '../model/settings.ts';
import { aWorld } from './attributes-world.ts';

const ANY: Filter = { tags: {}, minimumBytes: null, maximumBytes: null };
const line = (given: Partial<Exclusion>): Exclusion => ({ prefix: '', suffix: '', ...ANY, ...given });
const only = (given: Partial<Filter>): Partial<ReplicationRule> => ({ filter: { ...ANY, ...given } });
const not = (...lines: Partial<Exclusion>[]): Partial<ReplicationRule> => ({ exclude: lines.map(line) });

/** The object has the key `k`, five bytes and the tags `a=1` and `c=3`. */
const CASES: [string, Partial<ReplicationRule>, 'left out' | 'wanted'][] = [
  ['no filter', {}, 'wanted'],
  ['exactly its size', only({ minimumBytes: 5, maximumBytes: 5 }), 'wanted'],
  ['a larger size', only({ minimumBytes: 6 }), 'left out'],
  ['a smaller size', only({ maximumBytes: 4 }), 'left out'],
  ['no bytes at all', only({ minimumBytes: 0, maximumBytes: 0 }), 'left out'],
  ['one of its tags', only({ tags: { a: '1' } }), 'wanted'],
  ['another value of a tag', only({ tags: { a: '1', c: '2' } }), 'left out'],
  ['a tag named like a method', only({ tags: { toString: 'x' } }), 'left out'],
  ['excluding its prefix', not({ prefix: 'k' }), 'left out'],
  ['excluding another prefix', not({ prefix: 'kk' }), 'wanted'],
  ['excluding its suffix', not({ suffix: 'k' }), 'left out'],
  ['excluding its size', not({ minimumBytes: 5 }), 'left out'],
  ['excluding a larger size', not({ minimumBytes: 6 }), 'wanted'],
  ['excluding up to its size', not({ maximumBytes: 5 }), 'left out'],
  ['excluding one of its tags', not({ tags: { c: '3' } }), 'left out'],
  ['excluding two tags of which it has one', not({ tags: { c: '3', d: '4' } }), 'wanted'],
  ['excluding by two lines of which one fits', not({ prefix: 'x' }, { maximumBytes: 9 }), 'left out'],
  ['excluding by a line of which half fits', not({ prefix: 'x', maximumBytes: 9 }), 'wanted'],
  ['excluding by key, size and tag', not({ suffix: 'k', minimumBytes: 1, tags: { a: '1' } }), 'left out'],
  [
    'excluding what the filter wants',
    { ...only({ minimumBytes: 1 }), ...not({ tags: { a: '1' } }) },
    'left out',
  ],
];

const DIFFERENCES = ['missing', 'extra', 'different', 'attributes', 'historyShorter'];
const BODY = Buffer.from('12345');
const TAGS = { a: '1', c: '3' };
const hints = parseMessage(s3Event({ key: 'k', sequencer: '1' })).flatMap((part) =>
  'hint' in part ? [part.hint] : [],
);

const routedFor = (rule: ReplicationRule) => hints.flatMap((hint) => assign(testConfiguration(rule), hint));

const LISTED: ListedVersion = {
  key: 'k',
  kind: 'object',
  versionId: null,
  isLatest: true,
  etag: '"e"',
  sizeBytes: 5,
  lastModifiedMs: 0,
  storageClass: 'STANDARD',
};

describe.each(CASES)('%s', (_, given, expected) => {
  const rule = testRule(given);
  const routed = routedFor(rule);

  test.each(['latest', 'all'] as const)(
    `live, backfill, verify and copy of versions: %s: ${expected}`,
    async (versions) => {
      const world = aWorld({ rule: given, versions, attributes: 'listed' });
      const isRouted = routed.length > 0;
      world.source.put('k', BODY, { tags: TAGS });
      expect(await world.count()).toEqual(expected === 'wanted' ? { missing: 1 } : {});
      const byEvent = isRouted
        ? await world.look(openGate, { rule: testRule({ ...given, versions }) })
        : null;
      if (byEvent !== null) expect(byEvent.outcome).toBe(expected === 'wanted' ? 'replicated' : 'filtered');
      expect(isRouted && byEvent?.outcome === 'replicated').toBe(expected === 'wanted');
      world.replica.history.clear();
      expect(await world.repair()).toEqual(expected === 'wanted' ? ['hint'] : []);
      expect(world.content()).toBe(expected === 'wanted' ? '12345' : undefined);
      world.replica.history.clear();
      expect(await world.copy()).toEqual(expected === 'wanted' ? { replicated: 1 } : {});
      expect(world.content()).toBe(expected === 'wanted' ? '12345' : undefined);
    },
  );

  test.each(['latest', 'all'] as const)(
    'a replica made before is no difference, with versions: %s',
    async (versions) => {
      const world = aWorld({
        rule: { ...given, deletes: 'replicate' },
        versions,
        attributes: 'listed',
        deleteExtra: true,
      });
      world.source.put('k', Buffer.from('1234567'));
      await world.look(openGate, { rule: testRule({ versions }) });
      world.source.put('k', BODY, { tags: TAGS });
      if (expected === 'wanted') return;
      expect(await world.repair()).toEqual([]);
      const counted = await world.count();
      if (versions === 'latest') expect(counted).toEqual({ kept: 1 });
      else expect(counted['kept'] ?? counted['same']).toBe(1);
      expect(DIFFERENCES.filter((name) => name in counted)).toEqual([]);
      expect(world.content()).toBe('1234567');
    },
  );
});

describe.each(CASES)('%s, after everything was replicated', (_, given, expected) => {
  test.each(['latest', 'all'] as const)('nothing differs, with versions: %s', async (versions) => {
    const world = aWorld({ rule: given, versions, attributes: 'listed', deleteExtra: true });
    for (const [body, tags] of [[Buffer.from('1'), {}] as const, [BODY, TAGS] as const]) {
      world.source.put('k', body, { tags });
      await world.look(openGate, { rule: testRule({ versions }) });
    }
    expect(await world.repair()).toEqual([]);
    const counted = await world.count();
    expect(DIFFERENCES.filter((name) => name in counted)).toEqual([]);
    // Listings prove that both sides are the same, and show no tags.
    const isNoticed = expected === 'left out' && !asksForTags(testRule(given));
    expect((counted['kept'] ?? 0) + (counted['same'] ?? 0)).toBe(1);
    if (isNoticed) expect(counted).toEqual({ kept: 1 });
  });
});

describe.each(CASES)('%s, as told beforehand', (_, given, expected) => {
  const rule = testRule(given);

  test(`explain: ${expected}`, () => {
    const [verdict] = judgeRules([rule], 'source', 'k');
    const why = verdict?.why ?? filterProblem(rule, { key: 'k', sizeBytes: 5 }, TAGS);
    expect(why === null ? 'wanted' : 'left out').toBe(expected);
    expect(verdict?.why === null).toBe(routedFor(rule).length > 0);
  });

  test('the estimate leaves out what listings show to be left out', () => {
    const isSeen = expected === 'left out' && !asksForTags(rule);
    expect(createWorkCounter(rule, { since: null })([LISTED]).keys).toBe(isSeen ? 0 : 1);
  });
});

test('a hint that waited for a rule ends without a dead letter if the rule excludes the key by now', () => {
  const rule = testRule(not({ prefix: 'k' }));
  const waited = hints.map((hint) => ({ ...hint, rule: rule.id, destination: 'replica' }));
  expect(waited.flatMap((hint) => assign(testConfiguration(rule), hint))).toEqual([]);
  expect(() => waited.map((hint) => assign(testConfiguration(testRule({ id: 'other' })), hint))).toThrow(
    'no rule "rule"',
  );
});

test('explain names the line of exclude by which no rule wants the key', () => {
  const rule = testRule(not({ prefix: 'other/' }, { prefix: 'k', suffix: 'k' }));
  expect(judgeRules([rule], 'source', 'k')).toEqual([
    { rule: 'rule', why: 'it excludes objects with the prefix "k" and the suffix "k"' },
  ]);
});
