/** Packages other releases than today's code: an earlier commit, and a release in which every format is new. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageStack, REPOSITORY } from '../../demo/package-stack.ts';

const run = promisify(execFile);

export interface PackagedRelease {
  /** The output folder of the framework. */
  directory: string;
  /** The text of destination/template.yml. */
  destinationTemplate: string;
}

/** The commit of the last release, as docs/upgrade.md names it. */
export const namedCommit = async (): Promise<string> => {
  const page = await readFile(join(REPOSITORY, 'docs', 'upgrade.md'), 'utf8');
  const commit = /commit `([0-9a-f]{7,40})`/.exec(page)?.[1];
  if (commit === undefined) throw new Error('docs/upgrade.md names no commit');
  return commit;
};

/** Packages the commit from a copy of its files, with the dependencies that are installed here. The caller removes `folder`. */
export const packageCommit = async (
  commit: string,
  replicationFile: string,
  folder: string,
): Promise<PackagedRelease> => {
  const tree = await treeIn(folder);
  const archive = join(folder, 'tree.tar');
  await run('git', ['archive', '--output', archive, commit], { cwd: REPOSITORY });
  await run('tar', ['-xf', archive, '-C', tree]);
  return await packageTree(tree, replicationFile, join(folder, 'package'));
};

/**
 * Packages today's code with the next schema number for each format, as if all of them had changed. This release also reads today's
 * formats.
 */
export const packageNextRelease = async (
  replicationFile: string,
  folder: string,
): Promise<PackagedRelease> => {
  const tree = await treeIn(folder);
  for (const name of ['src', 'demo', 'destination', 'serverless.yml', 'package.json', 'tsconfig.json'])
    await cp(join(REPOSITORY, name), join(tree, name), { recursive: true });
  const file = join(tree, 'src', 'lib', 'model', 'schemas.ts');
  const text = await readFile(file, 'utf8');
  const [before = '', table = '', after = ''] = text.split(/(export const SCHEMAS = \{[^}]*\})/);
  const next = table.replaceAll(/: (\d+),/g, (_all, number) => `: ${Number(number) + 1},`);
  if (next === table) throw new Error('the schema numbers were not found');
  await writeFile(file, before + next + after);
  return await packageTree(tree, replicationFile, join(folder, 'package'));
};

export const packageToday = async (replicationFile: string, folder: string): Promise<PackagedRelease> => {
  const directory = join(folder, 'package');
  await packageStack({ replicationFile, outDirectory: directory });
  return { directory, destinationTemplate: await readFile(join(REPOSITORY, DESTINATION), 'utf8') };
};

const DESTINATION = join('destination', 'template.yml');

const treeIn = async (folder: string): Promise<string> => {
  const tree = join(folder, 'tree');
  await mkdir(tree, { recursive: true });
  await symlink(join(REPOSITORY, 'node_modules'), join(tree, 'node_modules'));
  return tree;
};

/** Packages a tree of files with the packaging program of that tree. */
const packageTree = async (
  tree: string,
  replicationFile: string,
  outDirectory: string,
): Promise<PackagedRelease> => {
  const program = `
    const { packageStack } = await import('./demo/package-stack.ts');
    await packageStack(${JSON.stringify({ replicationFile, outDirectory })});
  `;
  await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: tree });
  return {
    directory: outDirectory,
    destinationTemplate: await readFile(join(tree, DESTINATION), 'utf8'),
  };
};

/** Calls `use` with a new folder, which is removed afterwards. */
export const newFolder = async (): Promise<AsyncDisposable & { path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 's3-replicator-release-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};
