import { createHash } from 'node:crypto';
import { createHasher, type ChecksumAlgorithm } from './checksums.ts';

export type DigestName = ChecksumAlgorithm | 'MD5';

/** Several digests of the same bytes. */
export interface Digester {
  update(chunk: Buffer): void;
  digests(): Map<DigestName, Buffer>;
}

export const createDigester = (names: ReadonlySet<DigestName>): Digester => {
  const hashers = [...names].map(
    (name) => [name, name === 'MD5' ? createHash('md5') : createHasher(name)] as const,
  );
  return {
    update: (chunk) => {
      for (const [, hasher] of hashers) hasher.update(chunk);
    },
    digests: () => new Map(hashers.map(([name, hasher]) => [name, hasher.digest()] as const)),
  };
};
