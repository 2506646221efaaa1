/** A backfill finds every key that failed before. It must not put a second letter beside the first. */
import { expect, test } from 'vitest';
import { standsForKey } from '../../src/lib/delivery/known-letters.ts';
import { formatHint, type Hint, PASSED_OVER_KIND } from '../../src/lib/hint/hint.ts';
import { s3Event } from '../model/settings.ts';
import { batchWorld, queueMessage } from './batch-world.ts';

const HINT: Hint = {
  bucket: 'source',
  key: 'k',
  versionId: null,
  sizeBytes: null,
  kind: 'hint',
  identity: 'run-1/1',
  principalId: null,
  rule: 'rule',
  destination: 'replica',
  run: 'run-1',
};

const fromRun = (fields: Partial<Hint> = {}) =>
  queueMessage(formatHint({ ...HINT, ...fields }), { messageId: 'run', origin: 'backfill' });

const failingWorld = () => {
  const world = batchWorld();
  world.source.put('k', Buffer.from('one'));
  world.failing.set('replica', 'no-such-bucket');
  const fromEvent = (sequencer: string) => world.run(queueMessage(s3Event({ key: 'k', sequencer })));
  return { ...world, fromEvent };
};

test('a run sends no letter for a key that has one, and counts the key as failed', async () => {
  const { dead, runs, run, fromEvent } = failingWorld();
  await fromEvent('1');
  expect(await run(fromRun())).toEqual({ failed: [] });
  expect(dead).toHaveLength(1);
  expect(runs.counted).toMatchObject([{ run: 'run-1', piece: { kind: 'failed', reason: 'no-such-bucket' } }]);
});

test('the letter of one run is the only one, whatever runs follow', async () => {
  const { dead, run } = failingWorld();
  for (const name of ['run-1', 'run-2', 'run-3']) await run(fromRun({ run: name, identity: `${name}/1` }));
  expect(dead).toHaveLength(1);
});

test.each(['repair', 'rewrite'])(
  'a %s of a run has a letter of its own, because an earlier letter of the key does not bring it about',
  async (kind) => {
    const { dead, run, fromEvent } = failingWorld();
    await fromEvent('1');
    await run(fromRun({ kind }));
    expect(dead).toHaveLength(2);
  },
);

test('events have letters of their own, because each may be about another version', async () => {
  const { dead, fromEvent } = failingWorld();
  await fromEvent('1');
  await fromEvent('2');
  expect(dead).toHaveLength(2);
});

test('a key whose letter was redriven has a letter again when it fails again', async () => {
  const { dead, failing, run, fromEvent } = failingWorld();
  await fromEvent('1');
  const [first] = dead;
  failing.clear();
  await run(queueMessage(first!.body, { messageId: 'redriven', earlier: first!.letter }));
  failing.set('replica', 'no-such-bucket');
  await run(fromRun({ identity: 'run-2/1', run: 'run-2' }));
  expect(dead).toHaveLength(1 + 1);
});

test('a letter for another destination does not stand for the key, and neither do some kinds of letters', async () => {
  const { dead, letters, run } = failingWorld();
  await letters.keep({ rule: 'rule', destination: 'other', bucket: 'source', key: 'k' });
  await run(fromRun());
  expect(dead).toHaveLength(1);
  const kinds = ['hint', 'repair', 'ObjectCreated:Put', 'extra', PASSED_OVER_KIND];
  expect(kinds.filter((kind) => standsForKey({ ...HINT, kind }))).toEqual(kinds.slice(0, 3));
});

test('a letter about the deletion of an extra replica does not keep the key from having its own', async () => {
  const { dead, run } = failingWorld();
  await run(fromRun({ kind: 'extra', identity: 'run-0/1' }));
  await run(fromRun());
  expect(dead).toHaveLength(2);
});

test('a redriven message is given back as long as its letter cannot be forgotten', async () => {
  const { dead, delays, letters, run, fromEvent } = failingWorld();
  await fromEvent('1');
  const [first] = dead;
  const { forget } = letters;
  letters.forget = () => Promise.reject(new Error('the table is away'));
  const redriven = queueMessage(first!.body, { messageId: 'redriven', earlier: first!.letter });
  expect(await run(redriven)).toEqual({ failed: ['redriven'] });
  expect(delays).toMatchObject([['redriven', expect.any(Number)]]);
  letters.forget = forget;
  expect(await run(redriven)).toEqual({ failed: [] });
});
