import { type ChecksumAlgorithm, createHasher } from './checksums.ts';

export type DigestName = ChecksumAlgorithm;

/** Computes several digests of the same bytes. */
export interface Digester {
  update(chunk: Buffer): void;
  digests(): Promise<Map<DigestName, Buffer>>;
}

export const createDigester = (names: ReadonlySet<DigestName>): Digester => {
  const hashers = [...names].map((name) => [name, createHasher(name)] as const);
  return {
    update: (chunk) => {
      for (const [, hasher] of hashers) hasher.update(chunk);
    },
    digests: async () => {
      const digests = new Map<DigestName, Buffer>();
      for (const [name, hasher] of hashers) digests.set(name, await hasher.digest());
      return digests;
    },
  };
};
