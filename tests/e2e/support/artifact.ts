import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packageStack, REPOSITORY, TEMPLATE_FILE } from '../../../demo/package-stack.ts';

/** The replication.yml of the end-to-end tests. */
export const REPLICATION_FILE = join(REPOSITORY, 'tests', 'e2e', 'support', 'replication.yml');

const CACHE = join(REPOSITORY, 'node_modules', '.cache', 'e2e');

/**
 * The packaged stack of a configuration. Test files run side by side and need the same one: whoever comes
 * first packages it, under a name made of everything that goes into it. Answers its folder.
 */
export const packaged = async (replicationFile = REPLICATION_FILE): Promise<string> => {
  const directory = join(CACHE, await fingerprint(replicationFile));
  if (!(await exists(join(directory, TEMPLATE_FILE)))) await packageInto(directory, replicationFile);
  return directory;
};

/** Moved into place when it is complete; the second of two that did it at once is thrown away. */
const packageInto = async (directory: string, replicationFile: string): Promise<void> => {
  await mkdir(CACHE, { recursive: true });
  const outDirectory = await mkdtemp(join(CACHE, 'in-progress-'));
  try {
    await packageStack({ replicationFile, outDirectory });
    await rename(outDirectory, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error;
    });
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
};

const fingerprint = async (replicationFile: string): Promise<string> => {
  const sources = globSync('src/**/*', { cwd: REPOSITORY, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const others = ['serverless.yml', 'package-lock.json'].map((name) => join(REPOSITORY, name));
  const hash = createHash('sha256');
  for (const file of [...sources, ...others, replicationFile].toSorted()) {
    hash
      .update(file)
      .update('\0')
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
