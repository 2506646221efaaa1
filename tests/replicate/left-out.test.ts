/**
 * Versions that are not replicated: unreadable versions, archived versions, and versions that the filter
 * leaves out.
 */
import { expect, test } from 'vitest';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { messageOf } from '../model/memory-retries.ts';
import { s3Event, testConfiguration, testRule } from '../model/settings.ts';
import { batchWorld, NOW, queueMessage } from './batch-world.ts';

const rule = { versions: 'all' as const };

test('an unreadable version goes to the dead-letter queue once, with its own version id, before newer versions are written', async () => {
  const { source, replica, dead, records, receipts, run } = batchWorld(testConfiguration(testRule(rule)));
  for (const content of ['one', 'two', 'three']) source.put('k', Buffer.from(content));
  source.seal('k', 1, 'archived');
  const [, archived] = source.versions('k');
  const body = s3Event({ key: 'k', versionId: source.current('k')!.id, sequencer: '3' });
  expect(await run(queueMessage(body))).toEqual({ failed: [] });
  // The destination is emptied. When the key is replicated again, the version is passed over a second time,
  // but there is no second dead letter.
  replica('replica').history.clear();
  const later = s3Event({ key: 'k', sequencer: '4' });
  expect(await run(queueMessage(later, { messageId: 'm2' }))).toEqual({ failed: [] });
  receipts.clear();
  expect(await run(queueMessage(body, { messageId: 'm2' }))).toEqual({ failed: [] });
  expect(
    replica('replica')
      .versions('k')
      .map(({ bytes }) => bytes.toString()),
  ).toEqual(['one', 'three']);
  expect(dead.map(({ letter }) => letter)).toMatchObject([
    { reason: 'archived', rule: 'rule', destination: 'replica', key: 'k', version: archived?.id },
  ]);
  const [parsed] = parseMessage(dead[0]!.body);
  expect(parsed).toMatchObject({ hint: { kind: 'hint', versionId: archived?.id, destination: 'replica' } });
  const endings = records.map((record) => ('outcome' in record ? record.outcome : record.ending));
  expect(endings).toEqual(['quarantine', 'replicated', 'replicated', 'unchanged']);
});

test('an old version that may not be read is waited for, and passed over after two minutes', async () => {
  const { source, replica, dead, sent, run } = batchWorld(testConfiguration(testRule(rule)));
  for (const content of ['one', 'two', 'three']) source.put('k', Buffer.from(content));
  source.seal('k', 1, 'access-denied');
  await run(queueMessage(s3Event({ key: 'k', sequencer: '3' })));
  const contents = () =>
    replica('replica')
      .versions('k')
      .map(({ bytes }) => bytes.toString());
  expect([contents(), dead]).toEqual([['one'], []]);
  const [piece] = sent;
  const retry = { ...piece!.retry, firstFailedMs: NOW - 120_000 };
  await run(messageOf({ ...piece!, retry }, 'm2'));
  expect(contents()).toEqual(['one', 'three']);
  expect(dead).toMatchObject([{ letter: { reason: 'access-denied', version: source.versions('k')[1]?.id } }]);
  expect(dead[0]?.letter.detail).toMatch(/^passed over: newer versions are replicated without this one/);
});

test('no newer version is written as long as the dead-letter queue refuses the report of an unreadable one', async () => {
  const { source, replica, dead, sent, state, run } = batchWorld(testConfiguration(testRule(rule)));
  for (const content of ['one', 'two']) source.put('k', Buffer.from(content));
  source.seal('k', 1, 'sse-c');
  state.deadLetterQueueFails = true;
  const body = s3Event({ key: 'k', sequencer: '2' });
  await run(queueMessage(body));
  expect(replica('replica').history.has('k')).toBe(false);
  state.deadLetterQueueFails = false;
  await run(messageOf(sent[0]!, 'm2'));
  expect(dead).toHaveLength(1);
  expect(replica('replica').current('k')?.bytes.toString()).toBe('two');
});

test('the message of an archived object is acknowledged after its restore was requested, because its return is an event', async () => {
  const restore = { days: 1, tier: 'Bulk' as const };
  const { source, replica, records, dead, run } = batchWorld(
    testConfiguration(testRule({ ...rule, restore })),
  );
  const { versionId } = source.put('k', Buffer.from('one'));
  source.seal('k', 0, 'archived');
  expect(await run(queueMessage(s3Event({ key: 'k', versionId, sequencer: '1' })))).toEqual({ failed: [] });
  expect(records).toMatchObject([{ ending: 'done', outcome: 'restore-requested', copies: 0, bytes: 0 }]);
  source.seal('k', 0, null);
  await run(
    queueMessage(s3Event({ key: 'k', versionId, name: 'ObjectRestore:Completed' }), { messageId: 'm2' }),
  );
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
  expect(dead).toEqual([]);
});

test.each(['all', 'latest'] as const)(
  'in mode %s the message of an object that the filter leaves out is acknowledged as filtered',
  async (versions) => {
    const filter = { tags: { keep: 'yes' }, minimumBytes: null, maximumBytes: null };
    const { source, replica, records, run } = batchWorld(testConfiguration(testRule({ versions, filter })));
    const { versionId } = source.put('k', Buffer.from('one'));
    expect(await run(queueMessage(s3Event({ key: 'k', versionId, sequencer: '1' })))).toEqual({ failed: [] });
    expect(records).toMatchObject([{ ending: 'done', outcome: 'filtered', bytes: 0 }]);
    source.setTags('k', 0, { keep: 'yes' });
    await run(queueMessage(s3Event({ key: 'k', versionId, name: 'ObjectTagging:Put' }), { messageId: 'm2' }));
    expect(replica('replica').current('k')?.tags).toEqual({ keep: 'yes' });
  },
);
