/** Messages that are acknowledged, because their work is done or because there was nothing to do. */
import { expect, test } from 'vitest';
import { s3Event, testConfiguration, testRule } from '../model/settings.ts';
import { batchWorld, queueMessage } from './batch-world.ts';

test('a message is acknowledged when its object was replicated', async () => {
  const { source, replica, records, run } = batchWorld();
  const { versionId } = source.put('k', Buffer.from('one'));
  expect(await run(queueMessage(s3Event({ key: 'k', versionId, sequencer: '1' })))).toEqual({ failed: [] });
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
  expect(records).toMatchObject([
    { ending: 'done', outcome: 'replicated', bytes: 3, proof: 'etag', duplicate: false },
  ]);
});

test('a duplicate message is acknowledged by its receipt, without any S3 call', async () => {
  const { source, calls, records, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  const body = s3Event({ key: 'k', sequencer: '1' });
  await run(queueMessage(body));
  calls.length = 0;
  await run(queueMessage(body, { messageId: 'm2' }));
  expect(calls).toEqual([]);
  expect(records.at(-1)).toMatchObject({ ending: 'done', duplicate: true, outcome: 'replicated' });
});

test('two hints without an identity of their own are not duplicates of each other', async () => {
  const { source, replica, run } = batchWorld();
  const hint = JSON.stringify({ 's3-replicator': 'hint', bucket: 'source', key: 'k' });
  source.put('k', Buffer.from('one'));
  await run(queueMessage(hint));
  source.put('k', Buffer.from('two'));
  await run(queueMessage(hint, { messageId: 'm2' }));
  expect(replica('replica').current('k')?.bytes.toString()).toBe('two');
});

test('a test event, a key without a rule and a missing source object are acknowledged and counted', async () => {
  const { records, run } = batchWorld(
    testConfiguration(testRule({ source: { ...testRule().source, prefix: 'in/' } })),
  );
  const result = await run(
    queueMessage(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }), { messageId: 'm1' }),
    queueMessage(s3Event({ key: 'out/k' }), { messageId: 'm2' }),
    queueMessage(s3Event({ key: 'in/k' }), { messageId: 'm3' }),
  );
  expect(result).toEqual({ failed: [] });
  expect(records).toMatchObject([
    { ending: 'skip', why: 'test-event' },
    { ending: 'skip', why: 'no-rule' },
    { ending: 'done', outcome: 'source-gone' },
  ]);
});

test('deleting every receipt costs work and changes nothing', async () => {
  const { source, replica, receipts, records, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  const body = s3Event({ key: 'k', sequencer: '1' });
  await run(queueMessage(body));
  receipts.clear();
  await run(queueMessage(body, { messageId: 'm2' }));
  expect(replica('replica').history.get('k')).toHaveLength(1);
  expect(records.at(-1)).toMatchObject({ ending: 'done', outcome: 'unchanged', duplicate: false });
});
