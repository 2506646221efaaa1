/**
 * Builds the functions that are measured: the replicate function as `serverless package` packages it, and the bench's own functions for
 * comparison.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageStack, REPOSITORY } from '../demo/package-stack.ts';
import { unpackCode } from '@s3-replicator/local-aws/lambda';
import { CONFIGURATION } from './configuration.ts';

/** The code of a function in a local directory. */
export interface Code {
  /** The directory to which LAMBDA_TASK_ROOT is set. */
  directory: string;
  /** File and export of the handler, in the format of the template. */
  handler: string;
  /** The only file that contains code. */
  file: string;
}

export interface Artifact {
  /** The folder into which the stack was packaged. */
  packaged: string;
  /** The replication.yml for which the stack was packaged. */
  replicationFile: string;
  zipFile: string;
  replicate: Code;
  empty: Code;
  floor: Code;
  libStorage: Code;
  remove(): Promise<void>;
}

/** Packages the stack with the configuration of the bench. */
export const makeArtifact = async (): Promise<Artifact> => {
  const directory = await mkdtemp(join(tmpdir(), 'bench-artifact-'));
  const replicationFile = join(directory, 'replication.yml');
  // The configuration is written as JSON, which YAML parsers accept.
  await writeFile(replicationFile, JSON.stringify(CONFIGURATION));
  const packaged = join(directory, 'package');
  await packageStack({ replicationFile, outDirectory: packaged });
  const zipFile = join(packaged, 'replicate.zip');
  const unpacked = await unpackCode(zipFile, directory);
  const own = join(directory, 'functions');
  await bundleOwn(own);
  return {
    packaged,
    replicationFile,
    zipFile,
    replicate: code(unpacked.directory, 'src/handlers/replicate'),
    empty: code(own, 'empty'),
    floor: code(own, 'floor'),
    libStorage: code(own, 'lib-storage'),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
};

const code = (directory: string, path: string): Code => ({
  directory,
  handler: `${path}.handler`,
  file: join(directory, `${path}.js`),
});

/**
 * Bundles the bench's functions in the same way as the stack's functions. Otherwise the measurements would also compare two ways of
 * bundling.
 */
const bundleOwn = async (outdir: string): Promise<void> => {
  await build({
    entryPoints: ['empty', 'floor', 'lib-storage'].map((name) =>
      join(REPOSITORY, 'bench/functions', `${name}.ts`),
    ),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
};
