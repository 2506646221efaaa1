/** Several hints for one key in a batch. */
import { describe, expect, test } from 'vitest';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { batchWorld, queueMessage } from './batch-world.ts';

const event = (sequencer: string, key = 'k', name?: string) =>
  queueMessage(s3Event({ key, sequencer, ...(name && { name }) }), { messageId: sequencer });
const TEN = Array.from({ length: 10 }, (_, at) => String(at));

const hotKeyOf = (versions: 'latest' | 'all') => {
  const rule = testRule({ versions, deletes: 'replicate' });
  const world = batchWorld(testConfiguration(rule));
  for (const each of TEN) world.source.put('k', Buffer.from(each));
  return world;
};

describe.each(['latest', 'all'] as const)('hints for one hot key, versions: %s', (versions) => {
  test('the first hint of a batch converges, and the others need no call', async () => {
    const [alone, together] = [hotKeyOf(versions), hotKeyOf(versions)];
    await alone.run(event('0'));
    expect(await together.run(...TEN.map((each) => event(each)))).toEqual({ failed: [] });
    expect(together.calls).toEqual(alone.calls);
    expect(together.replica('replica').current('k')?.bytes.toString()).toBe('9');
    expect(together.records.map((record) => 'outcome' in record && record.outcome)).toEqual([
      'replicated',
      ...Array(9).fill('unchanged'),
    ]);
    const last = together.records.at(-1);
    expect(last).toMatchObject({ sourceVersion: together.source.current('k')?.id, proof: null });
  });

  test('hints of the next batch look again', async () => {
    const { source, replica, run } = hotKeyOf(versions);
    await run(event('0'), event('1'));
    source.put('k', Buffer.from('ten'));
    await run(event('2'), event('3'));
    expect(replica('replica').current('k')?.bytes.toString()).toBe('ten');
  });

  test('if the first hint fails, the next one converges', async () => {
    const { replica, run, hooks } = hotKeyOf(versions);
    let failures = 0;
    hooks.source = async (point, call) => {
      if (call === 'source.look' && point === 'before' && failures++ === 0) throw new Error('reset');
    };
    await run(event('0'), event('1'));
    expect(failures).toBeGreaterThan(1);
    expect(replica('replica').current('k')?.bytes.toString()).toBe('9');
  });

  test('a hint about tags reads the tags, even if the content has just converged', async () => {
    const { source, replica, run, hooks } = hotKeyOf(versions);
    source.setTags('k', 0, { a: '1' });
    hooks.source = async (point, call) => {
      if (call === 'source.look' && point === 'after') source.setTags('k', 0, { a: '2' });
    };
    await run(event('0'), event('1', 'k', 'ObjectTagging:Put'));
    expect(replica('replica').current('k')?.tags).toEqual({ a: '2' });
  });
});

test.each(['latest', 'all'] as const)(
  'versions: %s: a hint for another destination of the rule converges for itself',
  async (versions) => {
    const destinations = [testDestination(), testDestination({ id: 'second', bucket: 'second' })];
    const { source, replica, run, failing, sent } = batchWorld(
      testConfiguration(testRule({ versions, destinations })),
    );
    source.put('k', Buffer.from('one'));
    failing.set('second', 'throttled');
    await run(event('0'), event('1'));
    expect(replica('replica').current('k')?.bytes.toString()).toBe('one');
    // Both hints are tried again for the second destination.
    expect(sent).toHaveLength(2);
  },
);
