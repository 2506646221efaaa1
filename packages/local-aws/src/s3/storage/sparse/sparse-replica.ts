import { createGenerator, type Generator } from './generator.ts';

/** Keys at which copies of a sparse object are received. */
export interface SparseReplica {
  bucket: string;
  /** Default: every key of the bucket. */
  prefix?: string;
  /** The seed of the object whose copies are expected. */
  seed: number;
}

/** Returns the one generator of a seed, whose tables are computed only once. */
export const generatorOf = (generators: Map<number, Generator>, seed: number): Generator => {
  const generator = generators.get(seed) ?? createGenerator(seed);
  generators.set(seed, generator);
  return generator;
};
