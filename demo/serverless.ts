/** Runs the Serverless Framework, for the repository's configuration or another one. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ServerlessOptions {
  /** The path of a replication.yml. Default: that of the repository. */
  replicationFile?: string | undefined;
  /** The stage. Default: `prod`. */
  stage?: string | undefined;
  /** The region. Default: the region in replication.yml. */
  region?: string | undefined;
  /** The AWS credentials and the endpoint. The credentials must be given here, because the user's own AWS variables are removed. */
  environment?: Record<string, string> | undefined;
  /** Aborting this signal ends the framework's process. */
  signal?: AbortSignal | undefined;
}

/** The folder that contains package.json. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs `serverless <argv>` in a new service folder, so that parallel runs do not interfere and the user's `.serverless` remains unchanged.
 * The new folder contains links to the repository's sources and a copy of the given replication.yml.
 *
 * Returns the output of the framework.
 * @throws Error with that output
 */
export const runServerless = async (argv: string[], options: ServerlessOptions): Promise<string> => {
  const service = await mkdtemp(join(await realpath(tmpdir()), 's3-replicator-service-'));
  try {
    const linked = ['src', 'node_modules', 'package.json', 'tsconfig.json'];
    await Promise.all(linked.map((name) => symlink(join(REPOSITORY, name), join(service, name))));
    // The configuration file is copied because the framework does not accept a link in its place.
    await copyFile(join(REPOSITORY, 'serverless.yml'), join(service, 'serverless.yml'));
    const replicationFile = options.replicationFile ?? join(REPOSITORY, 'replication.yml');
    await copyFile(replicationFile, join(service, 'replication.yml'));
    return await run(service, argv, options);
  } finally {
    await rm(service, { recursive: true, force: true });
  }
};

/**
 * How long the framework may take. Normally the framework takes seconds. If the sources do not compile, it reports the errors but never
 * exits.
 */
const TIMEOUT_MS = 120_000;

const run = (cwd: string, command: string[], given: ServerlessOptions): Promise<string> => {
  const { stage, region, environment = {}, signal } = given;
  const argv = [
    join(REPOSITORY, 'node_modules', '.bin', 'serverless'),
    ...command,
    ...(stage === undefined ? [] : ['--stage', stage]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
  // SLS_AWS_MONITORING_FREQUENCY sets how often the framework asks for a stack's progress, in milliseconds. The default of five seconds
  // would be too slow for the local CloudFormation.
  const env = {
    ...withoutAws(process.env),
    SLS_AWS_MONITORING_FREQUENCY: '50',
    // The framework does not remove its temporary folders. They are created inside the service folder, so they are removed with it.
    TMPDIR: cwd,
    ...environment,
  };
  return new Promise((done, fail) => {
    let end = (): void => undefined;
    const options = { cwd, env, signal, timeout: TIMEOUT_MS };
    const child = execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      end = () => done(`${stdout}${stderr}`.trim());
      if (error === null) return;
      // The framework may write its error to either stream.
      const said = error.name === 'AbortError' ? 'interrupted' : `${stderr}${stdout}`.trim();
      end = () => fail(new Error(`serverless ${command.join(' ')} failed:\n${said}`, { cause: error }));
    });
    // After an interruption the process may still be writing files when the callback runs. Therefore the promise is settled only when the
    // process has ended.
    child.once('close', () => end());
  });
};

/** Returns the environment without the user's AWS variables. Otherwise the process might call the real AWS with the user's profile. */
export const withoutAws = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_')));
