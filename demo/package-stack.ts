/** Runs the real `serverless package`, for the repository's configuration or any other. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PackageOptions {
  /** Path of a replication.yml. Default: the repository's own. */
  replicationFile?: string | undefined;
  /** Default `prod`. */
  stage?: string | undefined;
  /** Default: what the file says. */
  region?: string | undefined;
  /** Receives what `serverless deploy` would upload: the templates and a zip per function. Made if it is not there. */
  outDirectory: string;
  /** Ends the run. */
  signal?: AbortSignal | undefined;
}

/** The template of the stack, inside `outDirectory`. */
export const TEMPLATE_FILE = 'cloudformation-template-update-stack.json';

/** The folder of package.json. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * Packages in a service folder of its own, so that runs side by side do not meet and the user's `.serverless` stays as it is:
 * the repository's sources by link, with the given replication.yml in place of the repository's.
 *
 * @throws Error with what the framework said
 */
export const packageStack = async (options: PackageOptions): Promise<void> => {
  const service = await mkdtemp(join(await realpath(tmpdir()), 's3-replicator-package-'));
  try {
    const linked = ['src', 'node_modules', 'package.json', 'tsconfig.json'];
    await Promise.all(linked.map((name) => symlink(join(REPOSITORY, name), join(service, name))));
    // The framework does not accept a link as its configuration file.
    await copyFile(join(REPOSITORY, 'serverless.yml'), join(service, 'serverless.yml'));
    const replicationFile = options.replicationFile ?? join(REPOSITORY, 'replication.yml');
    await copyFile(replicationFile, join(service, 'replication.yml'));
    await runServerless(service, options);
  } finally {
    await rm(service, { recursive: true, force: true });
  }
};

/** It takes seconds; but after sources that do not compile, the framework tells so and then never ends. */
const TIMEOUT_MS = 120_000;

const runServerless = (
  service: string,
  { stage, region, outDirectory, signal }: PackageOptions,
): Promise<void> => {
  const argv = [
    join(REPOSITORY, 'node_modules', '.bin', 'serverless'),
    'package',
    '--package',
    resolve(outDirectory),
    ...(stage === undefined ? [] : ['--stage', stage]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
  return new Promise((done, fail) => {
    let failure: Error | null = null;
    const options = { cwd: service, signal, timeout: TIMEOUT_MS };
    const child = execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      if (error === null) return;
      const said = error.name === 'AbortError' ? 'interrupted' : stderr.trim() || stdout.trim();
      failure = new Error(`serverless package failed:\n${said}`, { cause: error });
    });
    // Later than the callback where it is interrupted: it may still be writing then.
    child.once('close', () => (failure === null ? done() : fail(failure)));
  });
};
