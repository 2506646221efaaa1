/** The hash of signatures. Its values equal those of Node's own hash and HMAC, and do not depend on keys that were used before. */
import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSigningHash } from '../../src/lib/aws/s3/client/signing-hash.ts';

const TEXT = 'AWS4-HMAC-SHA256 \u00fc';

const digestWith = async (
  Sha256: ReturnType<typeof createSigningHash>,
  secret?: string | Uint8Array,
): Promise<string> => {
  const hash = new Sha256(secret);
  hash.update(Buffer.from(TEXT.slice(0, 4)));
  hash.update(TEXT.slice(4));
  return Buffer.from(await hash.digest()).toString('hex');
};

test('a hash or an HMAC for a signature equals that of Node, also after another key', async () => {
  const Sha256 = createSigningHash();
  expect(await digestWith(Sha256)).toBe(createHash('sha256').update(TEXT).digest('hex'));
  // A key may be a part of a larger buffer.
  const keys = [
    'secret',
    'other',
    'secret',
    Buffer.from('xxsigning').subarray(2),
    new Uint8Array(32).fill(7),
  ];
  for (const key of [...keys, ...keys])
    expect(await digestWith(Sha256, key)).toBe(createHmac('sha256', key).update(TEXT).digest('hex'));
});
