import { createGenerator, type Generator } from './generator.ts';

/** A place where copies of a sparse object are received. */
export interface SparseReplica {
  bucket: string;
  /** Default every key. */
  prefix?: string;
  /** Of the object whose copies are expected. */
  seed: number;
}

/** One generator for each seed: its tables are made once. */
export const generatorOf = (generators: Map<number, Generator>, seed: number): Generator => {
  const generator = generators.get(seed) ?? createGenerator(seed);
  generators.set(seed, generator);
  return generator;
};
