/** Races that histories meet rarely, played move by move. */
import { expect, test } from 'vitest';
import { converge } from '../../src/lib/converge.ts';
import {
  createMemoryBucket,
  type Gate,
  memoryDestination,
  memorySource,
  NO_ATTRIBUTES,
} from '../model/memory-buckets.ts';
import { testDestination, testRule } from '../model/settings.ts';

const clock = { now: () => 1_700_000_000_000, sleep: async () => undefined };
/** Of an event that says little. */
const HINT = {
  versionId: null,
  expectedBytes: 1,
  concern: 'content',
  absenceIsDeletion: false,
  byReplicator: null,
} as const;
const open: Gate = async () => undefined;

const world = (versioned = true) => {
  const source = createMemoryBucket(versioned ? 'enabled' : 'unversioned', clock.now);
  const replica = createMemoryBucket('enabled', clock.now);
  const look = (gate: Gate = open) =>
    converge(
      { rule: testRule(), destination: testDestination(), key: 'k', ...HINT },
      {
        source: memorySource(source, gate),
        destination: memoryDestination(replica, gate),
        invocation: {
          requestId: 'r',
          deadlineMs: clock.now() + 900_000,
          fullTimeMs: 900_000,
          bytesUnderWay: 0,
        },
        clock,
      },
    );
  const content = () => replica.current('k')?.bytes.toString();
  return { source, replica, look, content };
};

/** Runs `move` the first time the call passes, before its effect. */
const once = (call: string, point: 'before' | 'after', move: () => Promise<unknown>): Gate => {
  let done = false;
  return async (at, name) => {
    if (done || name !== call || at !== point) return;
    done = true;
    await move();
  };
};

test('a slow worker does not put an older version over a newer one', async () => {
  const { source, look, content } = world();
  source.put('k', Buffer.from('one'));
  const slow = look(
    once('destination.put', 'before', async () => {
      source.put('k', Buffer.from('two'));
      await look();
      expect(content()).toBe('two');
    }),
  );
  expect((await slow).outcome).toBe('unchanged');
  expect(content()).toBe('two');
});

test('a version written while the replica was looked at is not replaced by an older look at the source', async () => {
  const { source, look, content, replica } = world();
  source.put('k', Buffer.from('one'));
  await look();
  source.put('k', Buffer.from('two'));
  await look(
    once('source.look', 'after', async () => {
      source.put('k', Buffer.from('three'));
      await look();
    }),
  );
  expect(content()).toBe('three');
  expect(replica.versions('k').map((version) => version.bytes.toString())).toEqual(['one', 'three']);
});

test('where the same content came back, the ETag lets an older state through, and the fresh look heals it at once', async () => {
  const { source, look, content, replica } = world();
  source.put('k', Buffer.from('x'));
  await look();
  source.put('k', Buffer.from('y'));
  await look(
    // The slow worker holds y and the ETag of x; meanwhile x comes back, and with it the same ETag.
    beforeSecondPut(async () => {
      source.put('k', Buffer.from('x'));
      await look();
    }),
  );
  expect(content()).toBe('x');
  expect(replica.versions('k').map((version) => version.bytes.toString())).toEqual(['x', 'x', 'y', 'x']);
});

test('a source that changes right after the write is replicated again before the hint is acknowledged', async () => {
  const { source, look, content } = world();
  source.put('k', Buffer.from('one'));
  await look(
    once('destination.put', 'after', async () => {
      source.put('k', Buffer.from('two'));
    }),
  );
  expect(content()).toBe('two');
});

test('the same bytes with other metadata, written within the same second of an unversioned bucket, are seen', async () => {
  const { source, look, replica } = world(false);
  const write = (mark: string) =>
    source.put('k', Buffer.from('same'), { attributes: { ...NO_ATTRIBUTES, metadata: { mark } } });
  write('1');
  await look(once('destination.put', 'after', async () => write('2')));
  expect(replica.current('k')?.state.attributes.metadata['mark']).toBe('2');
});

test('a source deleted in the middle leaves what was written and ends', async () => {
  const { source, look, content } = world();
  source.put('k', Buffer.from('one'));
  const outcome = await look(
    once('destination.put', 'after', async () => {
      source.remove('k');
    }),
  );
  expect(outcome.outcome).toBe('replicated');
  expect(content()).toBe('one');
});

test('a key that never stops changing is given back as a lost race', async () => {
  const { source, look } = world();
  source.put('k', Buffer.from('0'));
  let writes = 0;
  const restless: Gate = async (at, call) => {
    if (at === 'after' && call === 'destination.put') source.put('k', Buffer.from(String(++writes)));
  };
  await expect(look(restless)).rejects.toMatchObject({ reason: 'lost-race' });
});

/** The first put is tried as new and refused; the race is about the second. */
function beforeSecondPut(move: () => Promise<unknown>): Gate {
  let puts = 0;
  return async (at, call) => {
    if (at === 'before' && call === 'destination.put' && ++puts === 2) await move();
  };
}
