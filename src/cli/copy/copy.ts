import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import { withCliErrors } from '../aws-errors.ts';
import { DEPLOYMENT_OPTIONS } from '../deployment.ts';
import { type CommandSpec, helpText, type ParsedOptions, parseOptions } from '../terminal/command.ts';
import { confirmByTyping } from '../terminal/confirm.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { limitOf } from './copy-meter.ts';
import { createCopyReport } from './copy-report.ts';
import { accessOf, copyRequest, type CopyRequest } from './copy-request.ts';
import { copyHere } from './copy-run.ts';
import { copyExitCode, type CopyResult, copyResultText } from './copy-text.ts';
import { AWS, type RunPorts } from '../runs/run-ports.ts';
import { START_OPTIONS } from '../runs/run-request.ts';

const { prefix, since, attributes, rule: _rule, destination } = START_OPTIONS;

const sideOptions = (side: 'source' | 'destination') =>
  ({
    [`${side}-profile`]: { value: 'PROFILE', description: `AWS profile for the ${side} bucket.` },
    [`${side}-role`]: { value: 'ARN', description: `Role to assume for the ${side} bucket.` },
    [`${side}-endpoint`]: {
      value: 'URL',
      description: `S3 of the ${side} bucket, if it is not AWS. Default: that of its profile or of the environment.`,
    },
    [`${side}-region`]: {
      value: 'REGION',
      description: `Region of the ${side} bucket. Default: AWS is asked; elsewhere that of the profile or of the environment.`,
    },
  }) as const;

export const COPY: CommandSpec = {
  name: 'copy',
  summary: 'Copy one bucket into another from this machine, without a deployment.',
  description: [
    'Lists both buckets, copies what differs with the same checks as a deployment, and lists both again to prove the result. S3 copies by itself where it may. What is there already costs only its listing, and a large object is continued where it was left, so the same command may be repeated at any time, also after Ctrl-C. Nothing is stored but at the destination.',
  ],
  operands: [
    { name: 'SOURCE', description: 'The bucket to copy, such as s3://bucket or s3://bucket/folder.' },
    { name: 'DESTINATION', description: 'The bucket to copy to, and the folder in it.' },
  ],
  options: {
    rule: { value: 'ID', description: 'A rule of replication.yml, in place of SOURCE and DESTINATION.' },
    destination: { ...destination, description: 'One of its destinations. Default: one copy for each.' },
    ...sideOptions('source'),
    ...sideOptions('destination'),
    'external-id': { value: 'ID', description: 'External id with which the roles are assumed.' },
    prefix: {
      ...prefix,
      description: 'Only keys that begin with this. Default: those of SOURCE or of the rule.',
    },
    since,
    versions: {
      value: 'all|latest',
      description:
        "all: every version, oldest first, and the delete markers; the destination must be versioned. Default: latest, or the rule's own setting.",
    },
    attributes,
    bytes: {
      value: 'weak|all',
      description:
        'Read both objects before and after the copy, and compare their bytes. weak: only where nothing but a CRC or a stamp says that they are the same. all: every object.',
    },
    'object-lock': {
      value: 'replicate|governance|ignore',
      description:
        'Whether copies get the retention and the legal hold; governance turns compliance mode into governance mode. Default: replicate.',
    },
    'no-tags': { description: 'Leave out tags, such as for a service that stores none.' },
    'conditional-writes': {
      value: 'required|none',
      description:
        'none: write to a service that checks no conditions, and look at each object before and after its write. Default: required.',
    },
    'no-stamp': {
      description: 'Leave out the metadata entry that names the source version.',
    },
    'accept-left-out': START_OPTIONS['accept-left-out'],
    concurrency: {
      value: 'N',
      range: { minimum: 1, maximum: 64 },
      description: 'How many objects or parts are moved at once, 1 to 64. Default: 32.',
    },
    'max-rate': {
      value: 'RATE',
      multiple: true,
      description: 'At most this much a second: bytes like 50MiB, or requests like 200req.',
    },
    'dry-run': { description: 'Compare only, and show what would be copied.' },
    'delete-extra': {
      description:
        "Delete copies of objects that are no longer at the source. Asks you to type the destination bucket's name.",
    },
    report: {
      value: 'DIRECTORY',
      description: 'Write report.html, report.json, differences.csv and failures.jsonl into this folder.',
    },
    json: { description: 'Print one JSON object on standard output (fields: docs/cli.md).' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'The destination holds everything; with --dry-run: both buckets were compared.'],
    [EXIT.failure, 'Nothing could be copied.'],
    [EXIT.usage, 'The command line is wrong. Nothing was copied.'],
    [EXIT.partial, 'Something is still missing or different. Run the command again.'],
    [EXIT.interrupted, 'Interrupted. Run the command again: it continues.'],
  ],
  examples: [
    [
      'npx s3-replicator copy s3://acme-documents s3://acme-archive/documents',
      'With the credentials of the shell',
    ],
    [
      'npx s3-replicator copy s3://acme-documents s3://acme-archive --destination-profile archive --dry-run',
      'Into another account: what would be copied?',
    ],
    ['npx s3-replicator copy --rule invoices --max-rate 50MiB', 'What a rule would replicate'],
  ],
};

/** Makes the command with the given access to AWS. */
export const copyWith =
  (ports: RunPorts) =>
  async (argv: readonly string[], io: CliIo): Promise<number> => {
    const options = parseOptions(COPY, argv);
    if (options.has('help')) {
      io.stdout.write(helpText(COPY, io.columns));
      return EXIT.ok;
    }
    const request = copyRequest(options, io);
    return await withCliErrors(() => copyAll(request, options, { io, ports }));
  };

/** Runs `s3-replicator copy …`. Resolves to the exit code. Throws CliError. */
export const runCopy = copyWith(AWS);

interface Shell {
  io: CliIo;
  ports: RunPorts;
}

/**
 * By default Node lets the space for new objects grow to 100 MB, which suits long computations. The new objects of a copy soon become
 * garbage, so a small space costs no more CPU (`docs/performance.md`) and fits a small machine. The old space may double before it is collected:
 * with less room, the buffers of many streams made V8 collect it all the time.
 */
const SMALL_HEAP = ['--semi-space-growth-factor=1', '--heap-growing-percent=100'];

const copyAll = async (request: CopyRequest, options: ParsedOptions, shell: Shell): Promise<number> => {
  const { io } = shell;
  for (const flag of SMALL_HEAP) setFlagsFromString(flag);
  const results: CopyResult[] = [];
  for (const spec of request.specs) {
    if (spec.deleteExtra && !request.isDryRun) await confirmDeletes(request, spec, io);
    const result = await copyOne(request, spec, { options, shell });
    results.push(result);
    if (!request.json) io.stdout.write(copyResultText(result));
    if (!result.isComplete) break;
  }
  if (request.json) io.stdout.write(jsonText({ copies: results }));
  const codes = results.map(copyExitCode);
  if (codes.includes(EXIT.interrupted))
    io.stderr.write('note: interrupted. Run the same command again: it continues where it was.\n');
  return codes.findLast((code) => code !== EXIT.ok) ?? EXIT.ok;
};

const confirmDeletes = async (
  { configuration }: CopyRequest,
  spec: CopyRequest['specs'][number],
  io: CliIo,
): Promise<void> => {
  const { bucket } = scopeOf(configuration, spec).destination;
  const warning = `The copy deletes the copies in ${bucket} whose objects are no longer at the source. A versioned bucket keeps them under a delete marker; an unversioned bucket does not keep them.`;
  await confirmByTyping({ warning, word: bucket }, io);
};

const copyOne = async (
  request: CopyRequest,
  spec: CopyRequest['specs'][number],
  { options, shell: { io, ports } }: { options: ParsedOptions; shell: Shell },
): Promise<CopyResult> => {
  const { deployment, limits, reportFolder } = request;
  const pace = limitOf(limits.requestsPerSecond, io);
  const opened = await ports.buckets({
    ...accessOf(request, spec, options),
    signal: io.interrupted,
    beforeRequest: pace === null ? null : () => pace(1),
  });
  return await copyHere(request, spec, {
    io,
    opened,
    receipts: deployment === null ? { find: async () => null } : ports.receipts(deployment),
    report: reportFolder === null ? null : await createCopyReport(folderOf(reportFolder, request, spec)),
  });
};

/** Returns the folder of the report. If there are several destinations, each has its own folder. */
const folderOf = (folder: string, { specs }: CopyRequest, spec: CopyRequest['specs'][number]): string =>
  specs.length === 1 ? folder : join(folder, spec.destination);
