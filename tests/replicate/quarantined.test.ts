/** Messages that are moved to the dead-letter queue, because they cannot succeed until a person acts. */
import { expect, test } from 'vitest';
import { s3Event } from '../model/settings.ts';
import { batchWorld, NOW, queueMessage } from './batch-world.ts';

test('the dead letter of a refused write has the reason, the object and its age, but not the next step, which later releases know better', async () => {
  const { source, failing, dead, run } = batchWorld();
  const { versionId } = source.put('odd/ключ\u0001.txt', Buffer.from('one'));
  failing.set('replica', 'no-such-bucket');
  const body = s3Event({ key: 'odd/ключ\u0001.txt', versionId, sequencer: '1' });
  expect(await run(queueMessage(body, { receiveCount: 2 }))).toEqual({ failed: [] });
  expect(dead[0]?.letter).toMatchObject({
    reason: 'no-such-bucket',
    rule: 'rule',
    destination: 'replica',
    bucket: 'source',
    key: 'odd/ключ\u0001.txt',
    version: versionId,
    firstSeenMs: NOW - 5_000,
    attempts: 2,
    requestId: 'R1',
  });
  expect(dead[0]?.letter.detail).toBe('replica says no');
  expect(dead[0]?.body).toMatch(/^[\x20-\x7e]+$/);
});

test('a redriven message keeps its age and attempts if it fails again, and replicates if it can', async () => {
  const { source, replica, failing, dead, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  failing.set('replica', 'no-such-bucket');
  await run(queueMessage(s3Event({ key: 'k', sequencer: '1' })));
  const [first] = dead;
  await run(queueMessage(first!.body, { messageId: 'm2', sentMs: NOW, earlier: first!.letter }));
  expect(dead[1]?.letter).toMatchObject({ firstSeenMs: NOW - 5_000, attempts: 2 });
  failing.clear();
  await run(queueMessage(dead[1]!.body, { messageId: 'm3', earlier: dead[1]!.letter }));
  expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
});

test('an unknown body is quarantined verbatim, and a malformed record without its well-formed neighbours', async () => {
  const { source, replica, dead, run } = batchWorld();
  source.put('k', Buffer.from('one'));
  const good: unknown = JSON.parse(s3Event({ key: 'k', sequencer: '1' }));
  const mixed = {
    Records: [...(good as { Records: unknown[] }).Records, { eventSource: 'aws:s3', s3: {} }],
  };
  const result = await run(
    queueMessage('not JSON'),
    queueMessage(JSON.stringify(mixed), { messageId: 'm2' }),
  );
  expect(result).toEqual({ failed: [] });
  expect(dead.map(({ letter }) => letter.reason)).toEqual(['malformed-message', 'malformed-message']);
  expect(dead[0]?.body).toBe('not JSON');
  expect(JSON.parse(dead[1]!.body)).toEqual({ Records: [{ eventSource: 'aws:s3', s3: {} }] });
  expect(replica('replica').current('k')).not.toBeNull();
});

test('a hint for a rule that is no longer configured is quarantined', async () => {
  const { dead, run } = batchWorld();
  const hint = {
    's3-replicator': 'hint',
    bucket: 'source',
    key: 'k',
    rule: 'gone',
    destination: 'replica',
  };
  expect(await run(queueMessage(JSON.stringify(hint)))).toEqual({ failed: [] });
  expect(dead[0]?.letter).toMatchObject({
    reason: 'unknown-rule',
    rule: 'gone',
    bucket: 'source',
    key: 'k',
  });
});
