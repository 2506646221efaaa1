import { DESTINATION_OPTIONS } from '../chosen-destinations.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { printable } from '../../lib/text/printable.ts';
import type { Release } from '../../lib/model/brake.ts';
import { withCliErrors } from '../aws-errors.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { confirmByTyping } from '../terminal/confirm.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { shorten } from '../terminal/width.ts';
import { type BrakePorts, findBrakes, type FoundBrake, publicBrake } from './brakes.ts';

export const BRAKE_RELEASE: CommandSpec = {
  name: 'brake release',
  summary: 'Pass on, or forget, what a closed brake holds, and open it.',
  description: [
    'Shows which replicas will be deleted or overwritten, and asks you to type the id of the rule. Then opens the brake. Within a minute the backfill function begins to send a hint for each key: what is back at the source by then stays.',
    'Find out first who made the changes, and restore the source if it was an attack: see docs/operations.md.',
  ],
  options: {
    keep: {
      description:
        'Forget what is held instead of passing it on: the replicas stay, and `verify` shows them as a difference.',
    },
    'dry-run': { description: 'Show what would be deleted or overwritten. Change nothing.' },
    json: {
      description: 'Print one JSON object on standard output, with all keys (fields: docs/cli.md).',
    },
    ...DESTINATION_OPTIONS,
  },
  exitCodes: [
    [EXIT.ok, 'What was held is released, or nothing was held.'],
    [
      EXIT.failure,
      'The id of the rule was not typed, or a call to AWS failed. Running the command again is safe.',
    ],
    [EXIT.usage, 'The command line is wrong. Nothing was released.'],
  ],
  examples: [
    ['npx s3-replicator brake release --rule invoices --dry-run', 'What would be deleted?'],
    ['npx s3-replicator brake release --rule invoices', 'The deletes were meant: pass them on'],
    ['npx s3-replicator brake release --rule invoices --keep', 'They were not: keep the replicas'],
  ],
};

/** Maximum number of keys of one destination that are shown to people. */
const MAX_KEYS_SHOWN = 20;

/** Runs `s3-replicator brake release …`. Resolves to the exit code. Throws CliError. */
export const runBrakeRelease = async (
  argv: readonly string[],
  io: CliIo,
  ports: BrakePorts,
): Promise<number> => {
  const options = parseOptions(BRAKE_RELEASE, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(BRAKE_RELEASE, io.columns));
    return EXIT.ok;
  }
  // A key that is held after this moment may not have been shown, so it is not released.
  const untilMs = io.now();
  const how: Release = options.has('keep') ? 'keep' : 'pass-on';
  const isDryRun = options.has('dry-run');
  const { ledger, found: all } = await findBrakes(options, io, ports);
  const found = all
    .map((brake) => ({ ...brake, held: brake.held.filter(({ heldMs }) => heldMs <= untilMs) }))
    .filter(({ record, held }) => record.closed !== null || held.length > 0);
  const isJson = options.has('json');
  (isJson ? io.stderr : io.stdout).write(textOf(found, how, io.columns));
  if (found.length > 0 && !isDryRun) {
    await confirmRule(found, how, io);
    for (const { name, record } of found)
      await withCliErrors(() => ledger.release(name, record, { untilMs, how }));
    io.stderr.write(DONE[how]);
  }
  if (isJson)
    io.stdout.write(jsonText({ dryRun: isDryRun, keep: how === 'keep', brakes: found.map(publicRelease) }));
  return EXIT.ok;
};

const DONE: Record<Release, string> = {
  'pass-on': 'Released. `brake status` shows how many keys are still held.\n',
  keep: 'The brake is open. The list is emptied within minutes.\n',
};

const confirmRule = async (found: FoundBrake[], how: Release, io: CliIo): Promise<void> => {
  const [word = '', ...others] = new Set(found.map(({ rule }) => rule.id));
  if (others.length > 0)
    throw new CliError('bad-request', `Name one rule with --rule: ${[word, ...others].join(', ')}.`);
  const warning =
    how === 'keep'
      ? 'The brake opens, and these deletes and overwrites are never passed on by themselves.'
      : 'The brake opens, and these replicas are deleted or overwritten.';
  await confirmByTyping({ warning, word }, io);
};

const publicRelease = (brake: FoundBrake) => ({
  ...publicBrake(brake),
  keys: brake.held.map(({ key, change, heldMs }) => ({
    key,
    change,
    heldSince: new Date(heldMs).toISOString(),
  })),
});

const textOf = (found: FoundBrake[], how: Release, columns: number): string =>
  found.length === 0
    ? 'No brake is closed, and nothing is held.\n'
    : found.map((brake) => `${linesOf(brake, how, columns).join('\n')}\n`).join('');

const linesOf = (
  { rule, destination, record, held }: FoundBrake,
  how: Release,
  columns: number,
): string[] => {
  const deletes = held.filter(({ change }) => change === 'delete').length;
  const counted = `${countOf(deletes, 'delete')} and ${countOf(held.length - deletes, 'overwrite')}`;
  const rest = held.length - MAX_KEYS_SHOWN;
  return [
    `${rule.id} to ${destination.id}: ${record.closed === null ? 'the brake is open' : record.closed.why}`,
    `${how === 'keep' ? 'To be forgotten' : 'To be passed on'} in bucket ${destination.bucket}: ${counted}`,
    ...held
      .slice(0, MAX_KEYS_SHOWN)
      .map(({ key, change }) => `    ${change}  ${shorten(printable(key), columns - 4 - change.length - 2)}`),
    ...(rest > 0 ? [`    … and ${countOf(rest, 'key')} more: --dry-run --json prints all`] : []),
  ];
};
