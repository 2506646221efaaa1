/**
 * What a change of replication.yml does to the work that is under way. Each row of the table in docs/upgrade.md is played, and its cells
 * must be what happens.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatHint, type Hint } from '../../src/lib/hint/hint.ts';
import { assign, idempotencyKey } from '../../src/lib/hint/route.ts';
import { type ReplicationRule, ruleDestinations, waitingQueueSuffix } from '../../src/lib/model/rule.ts';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';
import type { Setting } from '../model/transfer-world.ts';
import { batchWorld, queueMessage } from '../replicate/batch-world.ts';
import { fortyKeys } from '../runs/histories.ts';
import { createWorld } from '../runs/run-world.ts';
import { sweepFor, worldWith } from '../transfer/one-object.ts';

type RuleFields = Partial<ReplicationRule>;

const destinations = (fields: Parameters<typeof testDestination>[0]): RuleFields => ({
  destinations: [testDestination(fields)],
});
const source = (fields: Partial<ReplicationRule['source']>): RuleFields => ({
  source: { ...testRule().source, ...fields },
});

/** A rule of another bucket stands for a rule that is gone. */
const CHANGES: Record<string, RuleFields> = {
  'a rule gets another `id`': { id: 'renamed' },
  'a destination gets another `id`': destinations({ id: 'renamed' }),
  'a rule is removed': { id: 'of-another', ...source({ bucket: 'another' }) },
  'a destination is removed': destinations({ id: 'other', bucket: 'other' }),
  'another source `prefix`, which leaves keys out': source({ prefix: 'x/' }),
  '`exclude` or `filter` leaves keys out': {
    exclude: [{ prefix: 'k', suffix: '', tags: {}, minimumBytes: null, maximumBytes: null }],
  },
  'another destination `prefix`': destinations({ prefix: 'moved/' }),
  'another destination `bucket`': destinations({ bucket: 'elsewhere' }),
  'another `kmsKeyArn`': destinations({ kmsKeyArn: 'arn:aws:kms:eu-central-1:222222222222:key/2' }),
  'another `roleArn` or `externalId`': destinations({ externalId: 'another' }),
  '`versions: all` becomes `latest`': { versions: 'latest' },
  '`deletes: replicate` is added': { deletes: 'replicate' },
};

const BEFORE: RuleFields = { versions: 'all' };
const ruleAfter = (change: RuleFields): ReplicationRule => testRule({ ...BEFORE, ...change });

const HINT: Hint = {
  bucket: 'source',
  key: 'k',
  versionId: null,
  sizeBytes: 3,
  kind: 'hint',
  identity: '1',
  principalId: null,
  rule: null,
  destination: null,
  run: null,
};
/** A dead letter names the destination at which it failed. */
const LETTER = { ...HINT, rule: 'rule', destination: 'replica', identity: null };

const waitingAfter = (change: RuleFields): string => {
  const names = (rule: ReplicationRule): string[] =>
    ruleDestinations(testConfiguration(rule)).map((each) => waitingQueueSuffix(each.rule, each.destination));
  const [before] = names(testRule(BEFORE));
  return names(ruleAfter(change)).includes(before!) ? 'kept' : 'deleted';
};

const messageAfter = async (body: string, change: RuleFields): Promise<string> => {
  const world = batchWorld(testConfiguration(ruleAfter(change)));
  world.source.put('k', Buffer.from('one'));
  await world.run(queueMessage(body));
  const [letter] = world.dead;
  if (letter !== undefined) return `\`${letter.letter.reason}\``;
  const [record] = world.records;
  return record?.ending === 'done' ? record.outcome : 'left out';
};

const transferAfter = async (change: RuleFields): Promise<string> => {
  const setting: Setting = { rule: BEFORE };
  const world = await worldWith(setting);
  await world.replicate();
  await world.work();
  setting.rule = { ...BEFORE, ...change };
  await sweepFor(world, 7 * 24);
  const [letter] = world.dead;
  if (world.replica.current('k') !== null) return 'completed';
  return letter === undefined ? 'begins anew' : `\`${letter.reason}\``;
};

const runAfter = async (change: RuleFields): Promise<string> => {
  const world = createWorld({ ...fortyKeys(), rule: BEFORE });
  const { id } = await world.start({ kind: 'backfill' });
  world.deploy(change);
  const run = await world.untilStill(id);
  return run.phase === 'finished' ? 'continues' : `\`${run.failure?.reason}\``;
};

const receiptAfter = (change: RuleFields): string => {
  const nameOf = (rule: ReplicationRule): string | null => {
    const [assignment] = assign(testConfiguration(rule), HINT);
    return assignment === undefined ? null : idempotencyKey(assignment, 'm1');
  };
  const after = nameOf(ruleAfter(change));
  if (after === null) return 'not asked';
  return after === nameOf(testRule(BEFORE)) ? 'known' : 'not known';
};

const outcomeOf = async (change: RuleFields): Promise<string[]> => [
  waitingAfter(change),
  await messageAfter(s3Event({ key: 'k', sequencer: '1' }), change),
  await messageAfter(formatHint(LETTER), change),
  await transferAfter(change),
  await runAfter(change),
  receiptAfter(change),
];

const page = readFileSync(new URL('../../docs/upgrade.md', import.meta.url), 'utf8');
const ROWS = page
  .split('\n')
  .filter(
    (line) => line.startsWith('| ') && Object.keys(CHANGES).some((name) => line.startsWith(`| ${name} `)),
  )
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$|\*\*/g, '').trim()));

test('docs/upgrade.md has a row for each change', () => {
  expect(ROWS.map(([name]) => name).toSorted()).toEqual(Object.keys(CHANGES).toSorted());
});

test.each(Object.entries(CHANGES))('%s: what the table says happens', async (name, change) => {
  const row = ROWS.find(([first]) => first === name)?.slice(1, 7);
  expect(await outcomeOf(change)).toEqual(row);
});
