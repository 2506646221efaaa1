/** What becomes of messages: acknowledged, given back, or quarantined — and never anything else. */
import { describe, expect, test } from 'vitest';
import { createBudget } from '../../src/lib/model/concurrency.ts';
import type { DeadLetter } from '../../src/lib/delivery/dead-letter.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import { parseMessage } from '../../src/lib/hint/hint.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { QueueMessage } from '../../src/lib/delivery/deps.ts';
import { replicateBatch } from '../../src/lib/replicate/replicate-batch.ts';
import type { ReplicationConfiguration } from '../../src/lib/model/rule.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { createMemoryReceipts } from '../model/memory-receipts.ts';
import { createMemoryRunCounts } from '../model/memory-run-counts.ts';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';

const NOW = 1_700_000_000_000;

const world = (configuration: ReplicationConfiguration = testConfiguration()) => {
  const clock = { now: () => NOW, sleep: async () => undefined };
  const source = createMemoryBucket('enabled', clock.now);
  const replicas = new Map<string, ReturnType<typeof createMemoryBucket>>();
  const failing = new Map<string, Reason>();
  const calls: string[] = [];
  const replica = (bucket: string) => {
    const known = replicas.get(bucket) ?? createMemoryBucket('enabled', clock.now);
    replicas.set(bucket, known);
    return known;
  };
  const records: OutcomeRecord[] = [];
  const delays: [string, number][] = [];
  const dead: { body: string; letter: DeadLetter }[] = [];
  const sent: typeof dead = [];
  const state = { deadLetterQueueFails: false, deadlineMs: NOW + 900_000 };
  const receipts = createMemoryReceipts();
  const runs = createMemoryRunCounts();
  const run = (...messages: QueueMessage[]) =>
    replicateBatch(messages, {
      configuration,
      buckets: {
        source: () =>
          memorySource(source, async (_point, call) => {
            calls.push(call);
          }),
        destination: ({ bucket }) =>
          memoryDestination(replica(bucket), async (point, call) => {
            if (point === 'before') calls.push(call);
            const reason = failing.get(bucket);
            if (reason !== undefined)
              throw new ReplicationError(reason, `${bucket} says no`, { requestId: 'R1' });
          }),
      },
      receipts,
      liveQueue: {
        retryLater: async (message, seconds) => void delays.push([message.messageId, seconds]),
        send: async (body, letter) => void sent.push({ body, letter }),
      },
      deadLetterQueue: {
        async send(body, letter) {
          if (state.deadLetterQueueFails) throw new ReplicationError('throttled', 'slow down');
          dead.push({ body, letter });
        },
      },
      reporter: { report: (record) => void records.push(record) },
      runs,
      memory: createBudget(1e9),
      clock,
      invocation: { requestId: 'r', deadlineMs: state.deadlineMs, fullTimeMs: 900_000, bytesUnderWay: 0 },
      ...noTransfers(),
    });
  return { source, replica, failing, calls, records, delays, dead, sent, state, receipts, runs, run };
};

const message = (body: string, fields: Partial<QueueMessage> = {}): QueueMessage => ({
  messageId: 'm1',
  receiptHandle: 'h1',
  body,
  receiveCount: 1,
  sentMs: NOW - 5_000,
  earlier: null,
  ...fields,
});

describe('acknowledged', () => {
  test('an object that was replicated', async () => {
    const { source, replica, records, run } = world();
    const { versionId } = source.put('k', Buffer.from('one'));
    expect(await run(message(s3Event({ key: 'k', versionId, sequencer: '1' })))).toEqual({ failed: [] });
    expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
    expect(records).toMatchObject([
      { ending: 'done', outcome: 'replicated', bytes: 3, proof: 'etag', duplicate: false },
    ]);
  });

  test('a duplicate, with one look at the receipts and no S3 call', async () => {
    const { source, calls, records, run } = world();
    source.put('k', Buffer.from('one'));
    const body = s3Event({ key: 'k', sequencer: '1' });
    await run(message(body));
    calls.length = 0;
    await run(message(body, { messageId: 'm2' }));
    expect(calls).toEqual([]);
    expect(records.at(-1)).toMatchObject({ ending: 'done', duplicate: true, outcome: 'replicated' });
  });

  test('two hints without an identity of their own are not duplicates of each other', async () => {
    const { source, replica, run } = world();
    const hint = JSON.stringify({ 's3-replicator': 'hint', bucket: 'source', key: 'k' });
    source.put('k', Buffer.from('one'));
    await run(message(hint));
    source.put('k', Buffer.from('two'));
    await run(message(hint, { messageId: 'm2' }));
    expect(replica('replica').current('k')?.bytes.toString()).toBe('two');
  });

  test('a test event, a key no rule wants, and a source object that is gone, each counted', async () => {
    const { records, run } = world(
      testConfiguration(testRule({ source: { ...testRule().source, prefix: 'in/' } })),
    );
    const result = await run(
      message(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }), { messageId: 'm1' }),
      message(s3Event({ key: 'out/k' }), { messageId: 'm2' }),
      message(s3Event({ key: 'in/k' }), { messageId: 'm3' }),
    );
    expect(result).toEqual({ failed: [] });
    expect(records).toMatchObject([
      { ending: 'skip', why: 'test-event' },
      { ending: 'skip', why: 'no-rule' },
      { ending: 'done', outcome: 'source-gone' },
    ]);
  });
});

describe('given back', () => {
  test('a throttled message, alone among its batch, with a delay that grows with its receives', async () => {
    const { source, replica, failing, delays, run } = world();
    source.put('k', Buffer.from('one'));
    failing.set('replica', 'throttled');
    const body = s3Event({ key: 'k', sequencer: '1' });
    expect(await run(message(body), message('{"Event":"s3:TestEvent"}', { messageId: 'm2' }))).toEqual({
      failed: ['m1'],
    });
    await run(message(body, { receiveCount: 6 }));
    expect(delays[1]![1]).toBeGreaterThan(delays[0]![1]);
    failing.clear();
    expect(await run(message(body))).toEqual({ failed: [] });
    expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
  });

  test('whatever has no time left, at once', async () => {
    const { source, delays, state, run } = world();
    source.put('k', Buffer.from('one'));
    state.deadlineMs = NOW;
    expect(await run(message(s3Event({ key: 'k' })))).toEqual({ failed: ['m1'] });
    expect(delays).toEqual([['m1', 0]]);
  });

  test('and never quarantined for that: after its last receive it starts over as a new message', async () => {
    const { source, replica, delays, dead, sent, state, run } = world();
    source.put('k', Buffer.from('one'));
    state.deadlineMs = NOW;
    expect(await run(message(s3Event({ key: 'k', sequencer: '1' }), { receiveCount: 12 }))).toEqual({
      failed: [],
    });
    expect({ delays, dead }).toEqual({ delays: [], dead: [] });
    state.deadlineMs = NOW + 900_000;
    await run(message(sent[0]!.body, { messageId: 'm2', earlier: sent[0]!.letter }));
    expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
  });

  test('what could not be quarantined, because the dead-letter queue did not take it', async () => {
    const { source, failing, dead, state, run } = world();
    source.put('k', Buffer.from('one'));
    failing.set('replica', 'access-denied');
    state.deadLetterQueueFails = true;
    const body = s3Event({ key: 'k', sequencer: '1' });
    expect(await run(message(body))).toEqual({ failed: ['m1'] });
    state.deadLetterQueueFails = false;
    expect(await run(message(body))).toEqual({ failed: [] });
    expect(dead).toHaveLength(1);
  });
});

describe('quarantined', () => {
  test('an object that may not be written, with reason, place, age and what to do', async () => {
    const { source, failing, dead, run } = world();
    const { versionId } = source.put('odd/ключ\u0001.txt', Buffer.from('one'));
    failing.set('replica', 'access-denied');
    const body = s3Event({ key: 'odd/ключ\u0001.txt', versionId, sequencer: '1' });
    expect(await run(message(body, { receiveCount: 2 }))).toEqual({ failed: [] });
    expect(dead[0]?.letter).toMatchObject({
      reason: 'access-denied',
      rule: 'rule',
      destination: 'replica',
      bucket: 'source',
      key: 'odd/ключ\u0001.txt',
      version: versionId,
      firstSeenMs: NOW - 5_000,
      attempts: 2,
      requestId: 'R1',
    });
    expect(dead[0]?.letter.detail).toContain('redrive');
    expect(dead[0]?.body).toMatch(/^[\x20-\x7e]+$/);
  });

  test('and once redriven it replicates, its age and attempts carried on if it fails again', async () => {
    const { source, replica, failing, dead, run } = world();
    source.put('k', Buffer.from('one'));
    failing.set('replica', 'access-denied');
    await run(message(s3Event({ key: 'k', sequencer: '1' })));
    const [first] = dead;
    await run(message(first!.body, { messageId: 'm2', sentMs: NOW, earlier: first!.letter }));
    expect(dead[1]?.letter).toMatchObject({ firstSeenMs: NOW - 5_000, attempts: 2 });
    failing.clear();
    await run(message(dead[1]!.body, { messageId: 'm3', earlier: dead[1]!.letter }));
    expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
  });

  test('a body nobody understands, verbatim, and a malformed record without the good ones beside it', async () => {
    const { source, replica, dead, run } = world();
    source.put('k', Buffer.from('one'));
    const good: unknown = JSON.parse(s3Event({ key: 'k', sequencer: '1' }));
    const mixed = {
      Records: [...(good as { Records: unknown[] }).Records, { eventSource: 'aws:s3', s3: {} }],
    };
    const result = await run(message('not JSON'), message(JSON.stringify(mixed), { messageId: 'm2' }));
    expect(result).toEqual({ failed: [] });
    expect(dead.map(({ letter }) => letter.reason)).toEqual(['malformed-message', 'malformed-message']);
    expect(dead[0]?.body).toBe('not JSON');
    expect(JSON.parse(dead[1]!.body)).toEqual({ Records: [{ eventSource: 'aws:s3', s3: {} }] });
    expect(replica('replica').current('k')).not.toBeNull();
  });

  test('a failure that never ends, as retries-exhausted with the last cause', async () => {
    const { source, failing, dead, run } = world();
    source.put('k', Buffer.from('one'));
    failing.set('replica', 'service-error');
    expect(await run(message(s3Event({ key: 'k' }), { receiveCount: 12 }))).toEqual({ failed: [] });
    expect(dead[0]?.letter).toMatchObject({ reason: 'retries-exhausted', attempts: 12 });
    expect(dead[0]?.letter.detail).toContain('service-error');
  });

  test('a hint for a rule that is not configured any more', async () => {
    const { dead, run } = world();
    const hint = {
      's3-replicator': 'hint',
      bucket: 'source',
      key: 'k',
      rule: 'gone',
      destination: 'replica',
    };
    expect(await run(message(JSON.stringify(hint)))).toEqual({ failed: [] });
    expect(dead[0]?.letter).toMatchObject({
      reason: 'unknown-rule',
      rule: 'gone',
      bucket: 'source',
      key: 'k',
    });
  });
});

describe('what is left out', () => {
  const rule = { versions: 'all' as const };

  test('a version nobody can read goes to the dead-letter queue once, under its own name, before newer ones', async () => {
    const { source, replica, dead, records, receipts, run } = world(testConfiguration(testRule(rule)));
    for (const content of ['one', 'two', 'three']) source.put('k', Buffer.from(content));
    source.seal('k', 1, 'archived');
    const [, archived] = source.versions('k');
    const body = s3Event({ key: 'k', versionId: source.current('k')!.id, sequencer: '3' });
    expect(await run(message(body))).toEqual({ failed: [] });
    // Somebody empties the destination: the version is passed over once more, and not reported once more.
    replica('replica').history.clear();
    const later = s3Event({ key: 'k', sequencer: '4' });
    expect(await run(message(later, { messageId: 'm2' }))).toEqual({ failed: [] });
    receipts.clear();
    expect(await run(message(body, { messageId: 'm2' }))).toEqual({ failed: [] });
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

  test('nothing newer is written while the dead-letter queue does not take it', async () => {
    const { source, replica, dead, state, run } = world(testConfiguration(testRule(rule)));
    for (const content of ['one', 'two']) source.put('k', Buffer.from(content));
    source.seal('k', 1, 'sse-c');
    state.deadLetterQueueFails = true;
    const body = s3Event({ key: 'k', sequencer: '2' });
    expect(await run(message(body))).toEqual({ failed: ['m1'] });
    expect(replica('replica').history.has('k')).toBe(false);
    state.deadLetterQueueFails = false;
    expect(await run(message(body))).toEqual({ failed: [] });
    expect(dead).toHaveLength(1);
    expect(replica('replica').current('k')?.bytes.toString()).toBe('two');
  });

  test('an archived object is asked for, and acknowledged: its return is an event', async () => {
    const restore = { days: 1, tier: 'Bulk' as const };
    const { source, replica, records, dead, run } = world(testConfiguration(testRule({ ...rule, restore })));
    const { versionId } = source.put('k', Buffer.from('one'));
    source.seal('k', 0, 'archived');
    expect(await run(message(s3Event({ key: 'k', versionId, sequencer: '1' })))).toEqual({ failed: [] });
    expect(records).toMatchObject([{ ending: 'done', outcome: 'restore-requested', copies: 0, bytes: 0 }]);
    source.seal('k', 0, null);
    await run(
      message(s3Event({ key: 'k', versionId, name: 'ObjectRestore:Completed' }), { messageId: 'm2' }),
    );
    expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
    expect(dead).toEqual([]);
  });

  test.each(['all', 'latest'] as const)(
    'in mode %s what the filter leaves out is acknowledged as that',
    async (versions) => {
      const filter = { tags: { keep: 'yes' }, minimumBytes: null, maximumBytes: null };
      const { source, replica, records, run } = world(testConfiguration(testRule({ versions, filter })));
      const { versionId } = source.put('k', Buffer.from('one'));
      expect(await run(message(s3Event({ key: 'k', versionId, sequencer: '1' })))).toEqual({ failed: [] });
      expect(records).toMatchObject([{ ending: 'done', outcome: 'filtered', bytes: 0 }]);
      source.setTags('k', 0, { keep: 'yes' });
      await run(message(s3Event({ key: 'k', versionId, name: 'ObjectTagging:Put' }), { messageId: 'm2' }));
      expect(replica('replica').current('k')?.tags).toEqual({ keep: 'yes' });
    },
  );
});

describe('several destinations', () => {
  const two = testConfiguration(
    testRule({
      destinations: [
        testDestination({ id: 'one', bucket: 'one' }),
        testDestination({ id: 'two', bucket: 'two' }),
      ],
    }),
  );

  test('one that needs a person does not stop the other, and its hint names it alone', async () => {
    const { source, replica, failing, dead, calls, run } = world(two);
    source.put('k', Buffer.from('one'));
    failing.set('two', 'access-denied');
    expect(await run(message(s3Event({ key: 'k', sequencer: '1' })))).toEqual({ failed: [] });
    expect(replica('one').current('k')).not.toBeNull();
    const [parsed] = parseMessage(dead[0]!.body);
    expect(parsed).toMatchObject({ kind: 'hint', hint: { rule: 'rule', destination: 'two', key: 'k' } });
    failing.clear();
    calls.length = 0;
    await run(message(dead[0]!.body, { messageId: 'm2' }));
    expect(calls.filter((call) => call === 'destination.put')).toHaveLength(1);
    expect(replica('two').current('k')).not.toBeNull();
  });

  test('one that is throttled does not make the other copy again, and nothing is quarantined twice', async () => {
    const { source, replica, failing, dead, calls, run } = world(two);
    source.put('k', Buffer.from('one'));
    failing.set('two', 'throttled');
    const body = s3Event({ key: 'k', sequencer: '1' });
    expect(await run(message(body))).toEqual({ failed: ['m1'] });
    failing.clear();
    calls.length = 0;
    expect(await run(message(body, { receiveCount: 2 }))).toEqual({ failed: [] });
    expect(calls.filter((call) => call === 'destination.put')).toHaveLength(1);
    expect(replica('two').current('k')).not.toBeNull();
    expect(dead).toEqual([]);
  });
});

test('deleting every receipt costs work and changes nothing', async () => {
  const { source, replica, receipts, records, run } = world();
  source.put('k', Buffer.from('one'));
  const body = s3Event({ key: 'k', sequencer: '1' });
  await run(message(body));
  receipts.clear();
  await run(message(body, { messageId: 'm2' }));
  expect(replica('replica').history.get('k')).toHaveLength(1);
  expect(records.at(-1)).toMatchObject({ ending: 'done', outcome: 'unchanged', duplicate: false });
});
