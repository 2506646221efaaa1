import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LetterExport } from '../../lib/dead-letters/discard.ts';
import { CliError } from '../terminal/errors.ts';
import { jsonLine } from '../terminal/json.ts';

/**
 * Creates the file of an export, with one JSON object per line. Refuses a file that exists. When `close` resolves, the file and its entry
 * in the folder are on the disk. Only the owner may read the file, because keys may be confidential.
 */
export const createExport = async (path: string): Promise<LetterExport> => {
  const file = await opened(path);
  let written: Promise<unknown> = Promise.resolve();
  return {
    async write(letter) {
      written = written.then(() => file.write(jsonLine(letter)));
      await written;
    },
    async close() {
      try {
        await written;
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(dirname(path));
    },
    remove: () => rm(path),
  };
};

const opened = async (path: string) => {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError('no-export', why, { cause: error });
  }
};

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};
