/** Runs the real framework, for the repository's configuration or another one. */
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
  /** Default: the region in the file. */
  region?: string | undefined;
  /** Credentials and the endpoint of AWS. Without them the framework finds no credentials. */
  environment?: Record<string, string> | undefined;
  /** Ends the run. */
  signal?: AbortSignal | undefined;
}

/** The folder of package.json. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs `serverless <argv>` in a new service folder, so that parallel runs do not interfere and the user's `.serverless` stays
 * unchanged. The folder links the repository's sources and has the given replication.yml.
 *
 * Returns the output of the framework.
 * @throws Error with that output
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

/** How long the framework may take. It needs seconds, but after sources that do not compile it reports them and then never exits. */
const TIMEOUT_MS = 120_000;

const run = (cwd: string, command: string[], given: ServerlessOptions): Promise<string> => {
  const { stage, region, environment = {}, signal } = given;
  const argv = [
    join(REPOSITORY, 'node_modules', '.bin', 'serverless'),
    ...command,
    ...(stage === undefined ? [] : ['--stage', stage]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
  // The variable sets how often the framework asks for a stack's progress, in milliseconds. Its default, five seconds, suits the real CloudFormation.
  const env = {
    ...withoutAws(process.env),
    SLS_AWS_MONITORING_FREQUENCY: '50',
    // The framework does not remove its staging folders; here they disappear with the service folder.
    TMPDIR: cwd,
    ...environment,
  };
  return new Promise((done, fail) => {
    let end = (): void => undefined;
    const options = { cwd, env, signal, timeout: TIMEOUT_MS };
    const child = execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      end = () => done(`${stdout}${stderr}`.trim());
      if (error === null) return;
      // The error may be on either stream.
      const said = error.name === 'AbortError' ? 'interrupted' : `${stderr}${stdout}`.trim();
      end = () => fail(new Error(`serverless ${command.join(' ')} failed:\n${said}`, { cause: error }));
    });
    // After an interruption the process may still write files at the time of the callback, so this waits for its end.
    child.once('close', () => end());
  });
};

/** The environment without the user's own AWS profile and region, which must not lead the process to the real AWS. */
export const withoutAws = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_')));
