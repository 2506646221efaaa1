import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { byteText } from '../../lib/text/amounts.ts';
import { shellCommand } from '../../lib/text/shell.ts';
import { configurationOf } from '../configuration.ts';
import { DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { currentArtefacts } from '../artefacts.ts';
import { type Build, type BuildFile, buildOf, type Manifest } from './build-files.ts';

const { stage, region } = DEPLOYMENT_OPTIONS;

export const BUILD: CommandSpec = {
  name: 'build',
  summary: 'Write a plain CloudFormation template and the code, for other carriers.',
  description: [
    'Writes what `serverless package` gave: template.json, the zips of the functions in code/, and manifest.json with checksums, parameters and tags. The AWS CLI alone can deploy them, and so can CDK, Terraform or a pipeline. The same sources always give the same bytes.',
    'Reads the folder .serverless. If it is missing, older than its sources, or of another stack, `serverless package` is run first. Works in the folder of replication.yml and serverless.yml, and asks AWS nothing.',
  ],
  options: {
    out: { value: 'DIR', description: 'The folder to write. What an earlier build wrote there is replaced.' },
    stage,
    region,
    'dry-run': { description: 'Only show what would be written.' },
    json: { description: 'Print the manifest as JSON.' },
  },
  exitCodes: [
    [EXIT.ok, 'The files are written.'],
    [EXIT.failure, 'The stack could not be packaged, or the folder has files of others.'],
    [EXIT.usage, 'The command line is wrong. Nothing was done.'],
    [EXIT.interrupted, 'Interrupted by Ctrl-C.'],
  ],
  examples: [
    ['npx s3-replicator build --out build', 'For the AWS CLI'],
    ['npx s3-replicator build --out build --stage test --json', 'In a pipeline'],
  ],
};

/** Writes the build. Throws CliError. */
export const runBuild = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const options = parseOptions(BUILD, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(BUILD, io.columns));
    return EXIT.ok;
  }
  const out = options.value('out');
  if (out === null) throw new CliError('bad-value', '--out is missing: it names the folder to write.');
  const folder = resolve(io.cwd, out);
  const configuration = configurationOf(options, io);
  refuseForeign(folder);
  const build = buildOf(configuration, await currentArtefacts(configuration, io));
  const dryRun = options.has('dry-run');
  if (!dryRun) write(folder, build.files);
  io.stdout.write(
    options.has('json')
      ? jsonText({ dryRun, folder, ...build.manifest })
      : text(build, relative(io.cwd, folder), dryRun),
  );
  return EXIT.ok;
};

const MANIFEST = 'manifest.json';

/** A folder with files that no build has written is left alone. */
const refuseForeign = (folder: string): void => {
  if (!existsSync(folder) || existsSync(join(folder, MANIFEST))) return;
  const [first] = readdirSync(folder);
  if (first !== undefined)
    throw new CliError('foreign-folder', `${folder} has ${first}, and no ${MANIFEST}.`);
};

/** The manifest is written last, so an interrupted build has no manifest and is not mistaken for a complete one. */
const write = (folder: string, files: readonly BuildFile[]): void => {
  rmSync(join(folder, 'code'), { recursive: true, force: true });
  for (const { path, content } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
};

const text = ({ manifest, resources }: Build, folder: string, dryRun: boolean): string => {
  const { stack, region: place, version, files } = manifest;
  const [template, ...code] = files;
  const sum = code.reduce((total, { bytes }) => total + bytes, 0);
  return [
    `${dryRun ? 'Would write' : 'Wrote'} ${folder}: stack ${stack} in ${place}, version ${version}`,
    `  template.json  ${resources} resources, ${byteText(template?.bytes ?? 0)}`,
    `  code           ${code.length} zips, ${byteText(sum)}`,
    `  manifest.json  checksums, parameters and tags`,
    '',
    ...(manifest.parameters.CodeBucket === null
      ? [`In the account of the source buckets, with a bucket of yours in ${place} as BUCKET:`]
      : ['In the account of the source buckets:']),
    ...commands(manifest, folder),
    '',
    'What `serverless deploy` does besides: docs/carriers.md',
    '',
  ].join('\n');
};

const commands = (
  { stack, region: place, tags, parameters, capabilities }: Manifest,
  folder: string,
): string[] => {
  const bucket = parameters.CodeBucket ?? 'BUCKET';
  return [
    shellCommand([
      ['aws', 's3', 'cp', `${folder}/code`, `s3://${bucket}/${parameters.CodePrefix}`],
      ['--recursive'],
      ['--region', place],
    ]),
    shellCommand([
      ['aws', 'cloudformation', 'deploy'],
      ['--stack-name', stack],
      ['--region', place],
      ['--template-file', `${folder}/template.json`],
      ['--s3-bucket', bucket],
      ['--capabilities', ...capabilities],
      ['--parameter-overrides', `CodeBucket=${bucket}`],
      ['--tags', ...Object.entries(tags).map(([name, value]) => `${name}=${value}`)],
    ]),
  ];
};
