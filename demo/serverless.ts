/** Runs the real framework, for the repository's configuration or any other. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ServerlessOptions {
  /** Path of a replication.yml. Default: the repository's own. */
  replicationFile?: string | undefined;
  /** Default `prod`. */
  stage?: string | undefined;
  /** Default: what the file says. */
  region?: string | undefined;
  /** Whose account and where AWS is. Without it the framework finds no credentials. */
  environment?: Record<string, string> | undefined;
  /** Ends the run. */
  signal?: AbortSignal | undefined;
}

/** The folder of package.json. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * `serverless <argv>` in a service folder of its own, so that runs side by side do not meet and the user's `.serverless` stays
 * as it is: the repository's sources by link, with the given replication.yml in place of the repository's.
 *
 * Answers what the framework printed.
 * @throws Error with what it said
 */
export const runServerless = async (argv: string[], options: ServerlessOptions): Promise<string> => {
  const service = await mkdtemp(join(await realpath(tmpdir()), 's3-replicator-service-'));
  try {
    const linked = ['src', 'node_modules', 'package.json', 'tsconfig.json'];
    await Promise.all(linked.map((name) => symlink(join(REPOSITORY, name), join(service, name))));
    // The framework does not accept a link as its configuration file.
    await copyFile(join(REPOSITORY, 'serverless.yml'), join(service, 'serverless.yml'));
    const replicationFile = options.replicationFile ?? join(REPOSITORY, 'replication.yml');
    await copyFile(replicationFile, join(service, 'replication.yml'));
    return await run(service, argv, options);
  } finally {
    await rm(service, { recursive: true, force: true });
  }
};

/** It takes seconds; but after sources that do not compile, the framework tells so and then never ends. */
const TIMEOUT_MS = 120_000;

const run = (cwd: string, command: string[], given: ServerlessOptions): Promise<string> => {
  const { stage, region, environment = {}, signal } = given;
  const argv = [
    join(REPOSITORY, 'node_modules', '.bin', 'serverless'),
    ...command,
    ...(stage === undefined ? [] : ['--stage', stage]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
  // How often a stack's progress is asked for, in milliseconds; the default of five seconds suits the real CloudFormation.
  const env = {
    ...withoutAws(process.env),
    SLS_AWS_MONITORING_FREQUENCY: '50',
    // The framework leaves its staging folders behind: here they go with the service's.
    TMPDIR: cwd,
    ...environment,
  };
  return new Promise((done, fail) => {
    let end = (): void => undefined;
    const options = { cwd, env, signal, timeout: TIMEOUT_MS };
    const child = execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      end = () => done(`${stdout}${stderr}`.trim());
      if (error === null) return;
      // What went wrong may stand on either.
      const said = error.name === 'AbortError' ? 'interrupted' : `${stderr}${stdout}`.trim();
      end = () => fail(new Error(`serverless ${command.join(' ')} failed:\n${said}`, { cause: error }));
    });
    // Later than the callback where it is interrupted: it may still be writing then.
    child.once('close', () => end());
  });
};

/** A profile or a region of the person who runs this must not lead it to the real AWS. */
const withoutAws = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_')));
