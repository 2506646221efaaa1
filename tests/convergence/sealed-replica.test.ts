/**
 * Somebody else wrote an object at the destination with a key of their own (SSE-C), which S3 does not show without that key. Each test
 * failed when S3's refusal ended the look at the destination.
 */
import { expect, test } from 'vitest';
import { openGate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';

const MODES = ['all', 'latest'] as const;
const VERSIONINGS = ['enabled', 'suspended', 'unversioned'] as const;

test.each(MODES.flatMap((versions) => VERSIONINGS.map((there) => ({ versions, there }))))(
  'a sealed object at the destination is written over, like every other object of somebody else ($versions, $there)',
  async ({ versions, there }) => {
    const { source, replica, look, told } = oneKey({ rule: { versions }, versionings: ['enabled', there] });
    replica.put('k', Buffer.from('theirs'));
    replica.seal('k', 0, 'sse-c');
    source.put('k', Buffer.from('one'));
    source.put('k', Buffer.from('two'));
    expect((await look()).outcome).toBe('replicated');
    const ours = versions === 'all' && there === 'enabled' ? ['one', 'two'] : ['two'];
    expect(told()).toEqual(there === 'enabled' ? ['theirs', ...ours] : ours);
    expect((await look()).outcome).toBe('unchanged');
  },
);

test.each(MODES)(
  'in mode %s a replica that somebody has sealed is written again, and older ones beneath it are not',
  async (versions) => {
    const { source, replica, look, told } = oneKey({ rule: { versions } });
    source.put('k', Buffer.from('one'));
    await look();
    source.put('k', Buffer.from('two'));
    await look();
    replica.put('k', Buffer.from('sealed'));
    replica.seal('k', 0, 'sse-c');
    await look(openGate, { concern: 'attributes' });
    expect(told()).toEqual(['one', 'two', 'sealed', 'two']);
  },
);

test.each(MODES)(
  'in mode %s sealed versions beneath a marker and beneath a replica do not stop the key',
  async (versions) => {
    const { source, replica, look, told } = oneKey({ rule: { versions, deletes: 'replicate' } });
    source.put('k', Buffer.from('one'));
    await look();
    replica.put('k', Buffer.from('sealed'));
    replica.seal('k', 0, 'sse-c');
    replica.remove('k');
    await look();
    expect(told()).toEqual(['one', 'sealed', '†', 'one']);
    // The newest source version expires. Converge then reads what lies beneath the replica of that version.
    source.put('k', Buffer.from('two'));
    await look();
    source.forget('k', 0);
    await look();
    expect(told()).toEqual(['one', 'sealed', '†', 'one', 'two', ...(versions === 'all' ? [] : ['one'])]);
  },
);

test('a delete does not hide a sealed object', async () => {
  const { source, replica, look, told } = oneKey({ rule: { versions: 'latest', deletes: 'replicate' } });
  source.put('k', Buffer.from('one'));
  source.remove('k');
  replica.put('k', Buffer.from('theirs'));
  replica.seal('k', 0, 'sse-c');
  expect(await look()).toEqual({ outcome: 'not-ours' });
  expect(told()).toEqual(['theirs']);
});
