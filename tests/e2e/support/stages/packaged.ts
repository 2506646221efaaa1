import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageStack, REPOSITORY, TEMPLATE_FILE } from '../../../../demo/package-stack.ts';
import { buildOf } from '../../../../src/cli/build/build-files.ts';
import { loadConfiguration } from '../../../../src/lib/configuration/configuration.ts';

type Configured =
  | 'fidelity'
  | 'permissions'
  | 'recipes'
  | 'replication'
  | 'runs'
  | 'transfers'
  | 'two-way-back'
  | 'two-way-forth'
  | 'update';

/** Returns the path of one of the replication files in this folder. */
export const replicationFileOf = (name: Configured): string => join(import.meta.dirname, `${name}.yml`);

const CACHE = join(REPOSITORY, 'node_modules', '.cache', 'e2e');

/**
 * Packages the stack of a replication file, and returns the folder of the package. The name of the folder is derived from
 * everything that goes into the package. If test files that run at the same time need the same package, the first of
 * them creates it while the others wait.
 */
export const packaged = async (replicationFile: string): Promise<string> => {
  const directory = join(CACHE, await fingerprint(replicationFile));
  const isThere = (): Promise<boolean> => exists(join(directory, TEMPLATE_FILE));
  if (await isThere()) return directory;
  await mkdir(CACHE, { recursive: true });
  const claim = `${directory}.claim`;
  const isFirst = await mkdir(claim).then(
    () => true,
    () => false,
  );
  if (!isFirst) await untilPackaged(isThere, claim);
  try {
    if (!(await isThere())) await packageInto(directory, replicationFile);
  } finally {
    await rm(claim, { recursive: true, force: true });
  }
  return directory;
};

/**
 * Waits until another process has created the package. If that process was killed, its claim remains. In that case the wait ends
 * without a package.
 */
const untilPackaged = async (isThere: () => Promise<boolean>, claim: string): Promise<void> => {
  const endMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endMs && (await exists(claim)) && !(await isThere())) await sleep(200);
};

/** How long to wait for another process to create the package. */
const PATIENCE_MS = 120_000;

/**
 * Packages into a temporary folder and then renames the folder, so that the package is never incomplete. If two processes create
 * the same package after all, the second copy is deleted.
 */
const packageInto = async (directory: string, replicationFile: string): Promise<void> => {
  const outDirectory = await mkdtemp(join(CACHE, 'in-progress-'));
  try {
    await packageStack({ replicationFile, outDirectory });
    if (CARRIER === 'plain') await makePlain(outDirectory, replicationFile);
    await rename(outDirectory, directory).catch(async (error: unknown) => {
      if (!(await exists(directory))) throw error;
    });
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
};

/** With CARRIER=plain, the tests deploy the template of `s3-replicator build`. The long form of the permission tests does. */
const { CARRIER = 'serverless' } = process.env;

const makePlain = async (folder: string, replicationFile: string): Promise<void> => {
  const configuration = loadConfiguration(replicationFile);
  const stack = { ...configuration.stack, deploymentBucket: 'code' };
  const template = await readFile(join(folder, TEMPLATE_FILE), 'utf8');
  const { files } = buildOf({ ...configuration, stack }, { folder, template });
  for (const { path, content } of files)
    await writeFile(join(folder, path === 'template.json' ? TEMPLATE_FILE : basename(path)), content);
};

const fingerprint = async (replicationFile: string): Promise<string> => {
  const sources = globSync('src/**/*', { cwd: REPOSITORY, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const others = ['serverless.yml', 'package-lock.json'].map((name) => join(REPOSITORY, name));
  const hash = createHash('sha256').update(`${CARRIER}\0`);
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
