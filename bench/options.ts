import { parseArgs } from 'node:util';

/** The parts of the bench, in the order in which they run. */
export const PARTS = [
  'bundle',
  'cold-start',
  'calls',
  'small',
  'batches',
  'backfill',
  'large',
  'memory',
  'inside',
  'costs',
  'faults',
  'local-s3',
  'listing',
  'lag',
  'outage',
  'stack',
] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  isShort: boolean;
  json: boolean;
  parts: readonly Part[];
  /** Whether only `copy` is measured, beside other tools. */
  peers: boolean;
}

export const HELP = `npm run bench -- [--short] [--only PART]… [--peers] [--json]

Measures the functions of \`serverless package\` on this machine. The figures are not judged.

  --short      fewer rounds and no streamed object above 256 MiB: about three minutes on two quiet cores
  --only PART  one of ${PARTS.join(', ')}; may be repeated
  --peers      only: s3-replicator copy beside rclone, the AWS CLI and s5cmd, as far as they are installed
  --json       one JSON document instead of tables

docs/performance.md explains the figures.`;

/** Parses the command line. If an argument is wrong, throws an error whose message is a sentence for the user. */
export const parseOptions = (argv: string[]): Options | 'help' => {
  const { values } = parseArgs({
    args: argv,
    options: {
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      peers: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
    },
  });
  if (values.help) return 'help';
  return { isShort: values.short, json: values.json, parts: chosenParts(values.only), peers: values.peers };
};

const chosenParts = (only: string[] | undefined): readonly Part[] => {
  if (only === undefined) return PARTS;
  const unknown = only.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: the parts are ${PARTS.join(', ')}`);
  return PARTS.filter((part) => only.includes(part));
};
