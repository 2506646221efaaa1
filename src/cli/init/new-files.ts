/** Writes the files of a new deployment: all of them or none. */
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../terminal/errors.ts';

export interface NewFile {
  name: string;
  text: string;
  /** The present content of the file; null if the file does not exist. */
  before: string | null;
}

/** Throws {@link CliError} if one of the files exists. */
export const refuseExisting = async (folder: string, names: readonly string[]): Promise<void> => {
  const there = await Promise.all(names.map((name) => exists(join(folder, name))));
  const existing = names.filter((_, index) => there[index]);
  if (existing.length > 0) throw new CliError('file-exists', `${existing.join(', ')} in ${folder}.`);
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Resolves to the content of a file, or to null if there is none. */
export const contentOf = (folder: string, name: string): Promise<string | null> =>
  readFile(join(folder, name), 'utf8').catch(() => null);

/** Returns the files to write: new files, and files whose text changes. */
export const changedFiles = (files: readonly NewFile[]): NewFile[] =>
  files.filter(({ text, before }) => text !== before);

/** If a file cannot be written, restores the files that were written before. Throws {@link CliError}. */
export const writeFiles = async (folder: string, files: readonly NewFile[]): Promise<void> => {
  const written: NewFile[] = [];
  try {
    for (const file of files) {
      await writeFile(join(folder, file.name), file.text, { flag: file.before === null ? 'wx' : 'w' });
      written.push(file);
    }
  } catch (error) {
    await Promise.all(written.map((file) => undo(folder, file)));
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError('not-written', `${message}.`, { cause: error });
  }
};

const undo = (folder: string, { name, before }: NewFile): Promise<void> =>
  before === null ? rm(join(folder, name), { force: true }) : writeFile(join(folder, name), before);
