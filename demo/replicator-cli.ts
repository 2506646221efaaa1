/** Runs the replicator's command line in a separate process, as an operator would. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY, withoutAws } from './serverless.ts';

export interface CliRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** `argv` are the arguments after `s3-replicator`. `environment` holds the AWS credentials and the endpoint. */
export const runReplicatorCli = (
  argv: string[],
  environment: Record<string, string>,
  signal?: AbortSignal,
): Promise<CliRun> =>
  new Promise((resolve, reject) => {
    const script = join(REPOSITORY, 'bin', 's3-replicator.mjs');
    const env = { ...withoutAws(process.env), ...environment };
    execFile(
      process.execPath,
      [script, ...argv],
      { cwd: REPOSITORY, env, signal },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : error.code;
        if (typeof exitCode === 'number') resolve({ exitCode, stdout, stderr });
        else reject(error ?? new Error('s3-replicator was ended by a signal'));
      },
    );
  });
