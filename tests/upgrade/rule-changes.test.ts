/**
 * What a change of replication.yml does to the work that is under way. Each row of the table in docs/upgrade.md is played, and its cells
 * must be what happens.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatHint, type Hint } from '../../src/lib/hint/hint.ts';
import { assign, idempotencyKey } from '../../src/lib/hint/route.ts';
import {
  type ReplicationConfiguration,
  type ReplicationRule,
  ruleDestinations,
  waitingQueueSuffix,
} from '../../src/lib/model/rule.ts';
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

/** Null: the rule is removed. */
type Change = RuleFields | null;

const CHANGES: Record<string, Change> = {
  'a rule gets another `id`': { id: 'renamed' },
  'a destination gets another `id`': destinations({ id: 'renamed' }),
  'a rule is removed': null,
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
/** A rule of another bucket, which each deployment has. */
const OTHER = testRule({ id: 'another', ...source({ bucket: 'another' }) });

const after = (change: Change): ReplicationConfiguration =>
  testConfiguration(...(change === null ? [] : [testRule({ ...BEFORE, ...change })]), OTHER);

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

const waitingAfter = (change: Change): string => {
  const names = (configuration: ReplicationConfiguration): string[] =>
    ruleDestinations(configuration).map((each) => waitingQueueSuffix(each.rule, each.destination));
  const [before] = names(after({}));
  return names(after(change)).includes(before!) ? 'kept' : 'deleted';
};

const messageAfter = async (body: string, change: Change): Promise<string> => {
  const world = batchWorld(after(change));
  world.source.put('k', Buffer.from('one'));
  await world.run(queueMessage(body));
  const [letter] = world.dead;
  if (letter !== undefined) return `\`${letter.letter.reason}\``;
  const [record] = world.records;
  return record?.ending === 'done' ? record.outcome : 'left out';
};

const transferAfter = async (change: Change): Promise<string> => {
  const setting: Setting = { rule: BEFORE, others: [OTHER] };
  const world = await worldWith(setting);
  await world.replicate();
  await world.work();
  setting.rule = change === null ? null : { ...BEFORE, ...change };
  await sweepFor(world, 7 * 24);
  const [letter] = world.dead;
  if (world.replica.current('k') !== null) return 'completed';
  return letter === undefined ? 'begins anew' : `\`${letter.reason}\``;
};

const runAfter = async (change: Change): Promise<string> => {
  const world = createWorld({ ...fortyKeys(), rule: BEFORE, others: [OTHER] });
  const { id } = await world.start({ kind: 'backfill' });
  world.deploy(change);
  const run = await world.untilStill(id);
  return run.phase === 'finished' ? 'continues' : `\`${run.failure?.reason}\``;
};

const receiptAfter = (change: Change): string => {
  const nameOf = (configuration: ReplicationConfiguration): string | null => {
    const [assignment] = assign(configuration, HINT);
    return assignment === undefined ? null : idempotencyKey(assignment, 'm1');
  };
  const name = nameOf(after(change));
  if (name === null) return 'not asked';
  return name === nameOf(after({})) ? 'known' : 'not known';
};

const outcomeOf = async (change: Change): Promise<string[]> => [
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
