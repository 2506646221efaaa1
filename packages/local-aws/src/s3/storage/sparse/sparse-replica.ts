import { createGenerator, type Generator } from './generator.ts';

/** The keys at which copies of a sparse object are expected. */
export interface SparseReplica {
  bucket: string;
  /** The prefix of the keys. By default, all keys of the bucket. */
  prefix?: string;
  /** The seed of the sparse object. */
  seed: number;
}

/** Returns the generator of a seed. Keeps one generator per seed, because computing its tables takes time. */
export const generatorOf = (generators: Map<number, Generator>, seed: number): Generator => {
  const generator = generators.get(seed) ?? createGenerator(seed);
  generators.set(seed, generator);
  return generator;
};
