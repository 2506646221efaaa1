import { runCli } from '../../src/cli/main.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { useProfile } from '../../src/cli/terminal/process-io.ts';
import { type DeadLetter, toAttributes } from '../../src/lib/delivery/dead-letter.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
import { DEAD, type ScriptedSqs } from './scripted-sqs.ts';

/** The root of the repository, which contains replication.yml. */
export const ROOT = new URL('../../', import.meta.url).pathname;

export interface Run {
  code: number;
  out: string;
  err: string;
}

/**
 * Runs a command line in this process. A caller may replace the clock by `io.now`. Sleeping takes no time.
 */
export const run = async (
  argv: readonly string[],
  io: Partial<CliIo> = {},
  commands: Parameters<typeof runCli>[2] = {},
): Promise<Run> => {
  let out = '';
  let err = '';
  const terminal = io.columns === undefined ? {} : { columns: io.columns };
  const before = profileVariables();
  const code = await runCli(
    argv,
    {
      stdout: { write: (text) => (out += text), ...terminal },
      stderr: { write: (text) => (err += text), ...terminal },
      columns: Infinity,
      useProfile,
      env: process.env,
      cwd: ROOT,
      interrupted: new AbortController().signal,
      ask: null,
      now: () => Date.now(),
      sleep: () => new Promise((resolve) => setImmediate(resolve)),
      ...io,
    },
    commands,
  ).finally(() => {
    for (const [name, value] of before)
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
  });
  return { code, out, err };
};

/** The variables that `--profile` changes until its process ends. Here one process runs many commands, so the variables are restored. */
const profileVariables = (): [string, string | undefined][] =>
  ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map((name) => [
    name,
    process.env[name],
  ]);

/** The environment variables with which the AWS SDK uses the scripted SQS. */
export const awsEnvironment = (sqs: ScriptedSqs): Record<string, string> => ({
  AWS_ENDPOINT_URL: sqs.endpoint,
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_REGION: 'eu-west-1',
});

/** Puts a dead letter into the dead-letter queue, in the format in which the replicate function writes it. */
export const putDeadLetter = (
  sqs: ScriptedSqs,
  given: Partial<DeadLetter> & { key: string },
  ageMs = 3_600_000,
): void => {
  const letter: DeadLetter = {
    reason: 'access-denied',
    rule: 'invoices',
    destination: 'archive',
    bucket: 'acme-documents',
    version: null,
    firstSeenMs: sqs.nowMs - 7_500_000,
    attempts: 1,
    requestId: 'REQ1',
    detail: 'PutObject in acme-archive: access denied',
    ...given,
  };
  const body = formatHint({
    bucket: letter.bucket ?? '',
    key: given.key,
    versionId: letter.version,
    sizeBytes: null,
    kind: 'hint',
    identity: null,
    principalId: null,
    rule: letter.rule,
    destination: letter.destination,
    run: null,
  });
  sqs.put(DEAD, body, toAttributes(letter), sqs.nowMs - ageMs);
};

/** A terminal of 80 columns that shows nothing, and cannot be asked. */
export const silentIo = (cwd: string): CliIo => ({
  stdout: { write: () => undefined },
  stderr: { write: () => undefined },
  env: process.env,
  columns: 80,
  useProfile: () => undefined,
  cwd,
  interrupted: new AbortController().signal,
  ask: null,
  now: Date.now,
  sleep: async () => undefined,
});
