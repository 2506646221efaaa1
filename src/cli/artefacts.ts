/** The folder that `serverless package` writes. It is made again if it does not match the configuration. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import { CliError } from './terminal/errors.ts';
import type { CliIo } from './terminal/io.ts';

const FOLDER = '.serverless';
const TEMPLATE = 'cloudformation-template-update-stack.json';

/** Files from which the folder is made, if they exist. */
const INPUTS = ['replication.yml', 'serverless.yml', 'package.json', 'package-lock.json'];

export interface Artefacts {
  folder: string;
  /** The compiled template, as JSON. */
  template: string;
}

/**
 * Returns the artefacts of the configuration. Runs `serverless package` first if the artefacts are missing or outdated. Throws
 * {@link CliError}.
 */
export const currentArtefacts = async (configuration: Configuration, io: CliIo): Promise<Artefacts> => {
  const reason = outdated(configuration, io.cwd);
  if (reason !== null) {
    io.stderr.write(`Running \`serverless package\`: ${reason}\n`);
    await packageStack(configuration, io);
    const still = outdated(configuration, io.cwd);
    if (still !== null) throw new CliError('not-packaged', `serverless package has ended, but ${still}`);
  }
  const folder = join(io.cwd, FOLDER);
  return { folder, template: readFileSync(join(folder, TEMPLATE), 'utf8') };
};

/** Returns why the artefacts cannot be used, or null if they can. */
export const outdated = ({ deployment }: Configuration, cwd: string): string | null => {
  const file = join(cwd, FOLDER, TEMPLATE);
  if (!existsSync(file)) return `there is no ${FOLDER}/${TEMPLATE} yet.`;
  const { stack, replicateRole } = resourceNames(deployment);
  if (!readFileSync(file, 'utf8').includes(`"RoleName": "${replicateRole}"`))
    return `${FOLDER} has another stack than ${stack} in ${deployment.region}.`;
  const madeMs = statSync(file).mtimeMs;
  const newer = [...INPUTS, ...sourcesIn(cwd)].find((name) => changedMs(join(cwd, name)) > madeMs);
  return newer === undefined ? null : `${newer} is newer than ${FOLDER}.`;
};

/** Returns the files from which the functions are made in a clone of the repository. */
const sourcesIn = (cwd: string): string[] =>
  existsSync(join(cwd, 'src'))
    ? readdirSync(join(cwd, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(?:ts|cjs)$/.test(name))
        .map((name) => join('src', name))
    : [];

const changedMs = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Runs the framework of the current folder. Its output is progress, so it goes to standard error. */
const packageStack = ({ deployment }: Configuration, io: CliIo): Promise<void> => {
  const program = join(io.cwd, 'node_modules', '.bin', 'serverless');
  if (!existsSync(program))
    throw new CliError('not-packaged', `There is no Serverless framework in ${io.cwd}.`);
  const argv = [program, 'package', '--stage', deployment.stage, '--region', deployment.region];
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, argv, {
      cwd: io.cwd,
      env: { ...io.env },
      signal: io.interrupted,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => io.stderr.write(text.toString()));
    child.once('error', (cause) => fail(new CliError('not-packaged', cause.message, { cause })));
    child.once('close', (code) => {
      if (code === 0) done();
      else fail(new CliError('not-packaged', `serverless package ended with ${code ?? 'a signal'}.`));
    });
  });
};
