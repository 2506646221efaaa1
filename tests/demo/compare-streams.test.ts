import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstDifference } from '../../demo/compare-streams.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 });

const inChunks = (content: Buffer, sizes: number[]): Readable => {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < content.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(content.subarray(at, at + size));
    at += size;
  }
  return Readable.from(chunks);
};

test('the first difference of two streams is found wherever their chunks end', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, bytes, cuts, cuts, async (one, other, cutsOfOne, cutsOfOther) => {
      const shorter = Math.min(one.length, other.length);
      const differing = one.subarray(0, shorter).findIndex((byte, index) => byte !== other[index]);
      const end = one.length === other.length ? null : shorter;
      const found = await firstDifference(inChunks(one, cutsOfOne), inChunks(other, cutsOfOther));
      expect(found).toBe(differing === -1 ? end : differing);
    }),
  );
});

test('streams with equal content are equal whatever their chunks, and every byte is counted', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, cuts, cuts, async (content, cutsOfOne, cutsOfOther) => {
      let counted = 0;
      const found = await firstDifference(
        inChunks(content, cutsOfOne),
        inChunks(content, cutsOfOther),
        (more) => {
          counted += more;
        },
      );
      expect([found, counted]).toEqual([null, content.length]);
    }),
  );
});

test('a broken stream is an error, not a difference', async () => {
  const broken = new Readable({
    read() {
      this.destroy(new Error('cut'));
    },
  });
  await expect(firstDifference(broken, Readable.from([Buffer.from('a')]))).rejects.toThrow('cut');
});
