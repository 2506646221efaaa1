/** A hostile message causes only a few further messages, and all of them can be sent. */
import { expect, test } from 'vitest';
import { type DeadLetter, toAttributes } from '../../src/lib/delivery/dead-letter.ts';
import { fromRetryAttributes, toRetryAttributes } from '../../src/lib/delivery/retry.ts';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import type { SourceBucket } from '../../src/lib/model/ports.ts';
import { memorySource, openGate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';
import { testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { batchWorld, queueMessage } from '../replicate/batch-world.ts';
import { refusal } from './sqs-rules.ts';

const refusalOf = ({ body, letter }: { body: string; letter: DeadLetter }): string | null =>
  refusal(body, toAttributes(letter));

const keysIn = (bodies: string[]): string[] =>
  bodies.flatMap((body) =>
    parseMessage(body).map((part) => (part.kind === 'hint' ? part.hint.key : part.kind)),
  );

test('a message of 30,000 malformed records becomes a few dead letters, and again when they are redriven', async () => {
  const { dead, records, run } = batchWorld();
  expect(await run(queueMessage(`{"Records":[${'1,'.repeat(30_000)}1]}`))).toEqual({ failed: [] });
  expect(dead.length).toBeLessThan(8);
  expect(records.length).toBeLessThan(8);
  expect(dead.map(refusalOf)).toEqual(dead.map(() => null));
  expect(keysIn(dead.map(({ body }) => body))).toHaveLength(30_001);
  const again = batchWorld();
  await again.run(queueMessage(dead[0]!.body));
  expect(again.dead.length).toBeLessThan(8);
});

/** As many small records of S3 as fit into a message. */
const MANY = JSON.stringify({
  Records: Array.from({ length: 1_000 }, (_, n) => ({
    eventSource: 'aws:s3',
    s3: { bucket: { name: 'source' }, object: { key: `k${n}` } },
  })),
});

test('a message of thousands of records that all fail becomes a few dead letters for each destination and reason, and loses no key', async () => {
  const destinations = ['replica', 'second'].map((id) => testDestination({ id, bucket: id }));
  const { source, failing, dead, run } = batchWorld(testConfiguration(testRule({ destinations })));
  for (let n = 0; n < 1_000; n += 1) source.put(`k${n}`, Buffer.from('x'));
  failing.set('replica', 'object-lock');
  failing.set('second', 'acl-unsupported');
  expect(await run(queueMessage(MANY))).toEqual({ failed: [] });
  expect(dead.length).toBeLessThan(8);
  expect(dead.map(refusalOf)).toEqual(dead.map(() => null));
  for (const reason of ['object-lock', 'acl-unsupported']) {
    const bodies = dead.filter(({ letter }) => letter.reason === reason).map(({ body }) => body);
    expect(new Set(keysIn(bodies)).size).toBe(1_000);
  }
});

test('a message of thousands of records that are tried again becomes a few messages', async () => {
  const { source, failing, sent, run } = batchWorld();
  for (let n = 0; n < 1_000; n += 1) source.put(`k${n}`, Buffer.from('x'));
  failing.set('replica', 'throttled');
  expect(await run(queueMessage(MANY))).toEqual({ failed: [] });
  expect(sent.length).toBeLessThan(8);
  expect(new Set(keysIn(sent.map(({ body }) => body))).size).toBe(1_000);
});

test.each([
  ['control characters in every field', '\u0000\u0001\u001b\u007f\u009b\ud800\ufffe\uffff'],
  ['fields of 500,000 characters', 'x'.repeat(500_000)],
  ['fields of characters that escapes make six times as long', 'é'.repeat(100_000)],
])('a hint with %s cannot keep its dead letter from being sent', async (_what, text) => {
  const { dead, run } = batchWorld();
  const hint = { 's3-replicator': 'hint', bucket: text, key: text, versionId: text, identity: text };
  await run(queueMessage(JSON.stringify({ ...hint, rule: text, destination: text, run: text })));
  expect(dead).not.toEqual([]);
  expect(dead.map(refusalOf)).toEqual(dead.map(() => null));
});

test.each(['x', '語', '\u{1f600}'])(
  'a body of 1 MiB of %s leaves room for the attributes of its dead letters, and no byte is lost',
  async (character) => {
    const { dead, run } = batchWorld();
    const body = character.repeat(Math.floor(1_048_576 / Buffer.byteLength(character)));
    await run(queueMessage(body));
    expect(dead).toHaveLength(2);
    expect(dead.map(refusalOf)).toEqual([null, null]);
    expect(dead.map((letter) => letter.body).join('') === body).toBe(true);
    expect(dead[1]?.letter.detail).toContain('piece 2 of 2');
  },
);

test('attributes that a sender chose cannot keep a message from being tried again', () => {
  const retry = fromRetryAttributes({
    'retry-queue': 'live',
    'last-reason': 'throttled',
    'retry-id': 'x'.repeat(1_000_000),
    'last-detail': 'y'.repeat(40_000),
    tries: 'Infinity',
    attempts: '-1e308',
  });
  expect(retry).toMatchObject({ tries: 0, attempts: 0 });
  expect(refusal('{}', toRetryAttributes(retry!))).toBeNull();
});

test('an event about a key with thousands of versions lists only those that its replica may lack', async () => {
  const { source, clock, look, told } = oneKey({ rule: { versions: 'all' } });
  const put = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      clock.nowMs += 1_000;
      source.put('k', Buffer.from(String(source.history.get('k')?.length ?? 0)));
    }
  };
  const listed: number[] = [];
  const history: SourceBucket['history'] = async (key, until) => {
    const entries = await memorySource(source, openGate).history(key, until);
    listed.push(entries.length);
    return entries;
  };
  const event = () => look(openGate, {}, { source: { history } });
  put(1_500);
  expect(await event()).toMatchObject({ outcome: 'replicated' });
  expect(Math.max(...listed)).toBe(1_500);
  // The replica shows the newest source version, then one on the first page of the listing, and then one far below that page.
  for (const [missing, most] of [
    [0, 50],
    [10, 50],
    [200, 201],
  ] as const) {
    put(missing);
    listed.length = 0;
    expect(await event()).toMatchObject({ outcome: missing === 0 ? 'unchanged' : 'replicated' });
    expect(Math.max(...listed)).toBeLessThanOrEqual(most);
  }
  expect(told()).toEqual(Array.from({ length: 1_710 }, (_, n) => String(n)));
});
