import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { bundleForUsers } from './bundles.ts';
import { copyDocuments, copyFunctions, writeManifest, writeStack } from './files.ts';

/** Writes the package into an empty folder, without its SBOM and licences. Returns the contents of the bundles. */
export const writePackage = async (folder: string): Promise<Metafile[]> => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeManifest(folder);
  writeStack(folder);
  copyFunctions(folder);
  copyDocuments(folder);
  return await bundleForUsers(join(folder, 'dist'));
};
