import { writeFile } from 'node:fs/promises';
import { zipOf } from '../../conformance/zip.ts';

/** Writes a zip file with these files, and returns its path. */
export const makeZip = async (path: string, files: Record<string, string>): Promise<string> => {
  await writeFile(path, zipOf(files));
  return path;
};
