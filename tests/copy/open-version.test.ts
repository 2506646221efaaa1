import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { ObjectState, SourceBucket } from '../../src/lib/model/ports.ts';
import { openVersion } from '../../src/lib/converge/open-version.ts';
import type { ConvergeContext } from '../../src/lib/converge/context.ts';

const VERSION = { versionId: 'v1', etag: '"e"', sizeBytes: 5 } as ObjectState;

/**
 * Creates a bucket with one object, whose key is `there`. Also returns the calls that the bucket received.
 */
const bucket = () => {
  const asked: string[] = [];
  const source: Pick<SourceBucket, 'look' | 'head' | 'open'> = {
    look: (key) => {
      asked.push('HEAD');
      return Promise.resolve(key === 'there' ? { kind: 'object', state: VERSION } : { kind: 'absent' });
    },
    head: (key) => {
      asked.push('HEAD');
      return Promise.resolve(key === 'there' ? VERSION : null);
    },
    open: (key) => {
      asked.push('GET');
      return Promise.resolve(
        key === 'there' ? { state: VERSION, body: Readable.from([Buffer.from('12345')]) } : null,
      );
    },
  };
  return { asked, context: { source } as ConvergeContext };
};

test.each([null, 'v1'])(
  'a version that S3 copies is read by HEAD, without its body (version %s)',
  async (versionId) => {
    const { asked, context } = bucket();
    expect(await openVersion(context, 'there', versionId, 'server-side')).toEqual({
      version: VERSION,
      opened: null,
    });
    expect(asked).toEqual(['HEAD']);
  },
);

test.each([null, 'v1'])(
  'a version that the function moves is read by GET, with its body (version %s)',
  async (versionId) => {
    const { asked, context } = bucket();
    const look = await openVersion(context, 'there', versionId, 'stream');
    expect(look?.opened?.toString()).toBe('12345');
    expect(asked).toEqual(['GET']);
  },
);

test.each([null, 'v1'])(
  'a missing version is asked for by GET, which alone tells whether the bucket exists (version %s)',
  async (versionId) => {
    const { asked, context } = bucket();
    expect(await openVersion(context, 'gone', versionId, 'server-side')).toBeNull();
    expect(asked).toEqual(['HEAD', 'GET']);
  },
);

const withBody = (sizeBytes: number, body: Readable): ConvergeContext =>
  ({
    source: { open: async () => ({ state: { ...VERSION, sizeBytes }, body }) } as Partial<SourceBucket>,
    clock: { now: () => 0, sleep: async () => undefined },
    invocation: { deadlineMs: 0 },
  }) as unknown as ConvergeContext;

test('a small body is kept in memory, whatever chunks it arrives in', async () => {
  const chunks = ['1', '', '23', '45'].map((text) => Buffer.from(text));
  const look = await openVersion(withBody(5, Readable.from(chunks)), 'k', 'v1');
  expect(look?.opened).toEqual(Buffer.from('12345'));
});

test('a larger body is passed on as a stream', async () => {
  const body = Readable.from([Buffer.alloc(65_537)]);
  expect((await openVersion(withBody(65_537, body), 'k', 'v1'))?.opened).toBe(body);
});

const brokenOff = (): Readable =>
  new Readable({
    read() {
      this.push('12');
      this.destroy();
    },
  });

test.each([
  ['broken off', brokenOff()],
  ['too short', Readable.from([Buffer.from('1234')])],
  ['too long', Readable.from([Buffer.from('1234'), Buffer.from('56'), Buffer.from('78')])],
])('a small body that is %s is not accepted as complete', async (_what, body) => {
  await expect(openVersion(withBody(5, body), 'k', 'v1')).rejects.toMatchObject({
    reason: 'connection-lost',
  });
});
