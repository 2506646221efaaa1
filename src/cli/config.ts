import { nearestWord } from '../lib/nearest-word.ts';
import { type CommandSpec, helpText, parseOptions } from './command.ts';
import { CHECK, runConfigCheck } from './config-check.ts';
import { SCHEMA, runConfigSchema } from './config-schema.ts';
import { CliError } from './errors.ts';
import { type CliIo, EXIT } from './io.ts';

const CONFIG: CommandSpec = {
  name: 'config',
  summary: 'Works on replication.yml. Needs no AWS account.',
  subcommands: { check: CHECK.summary, schema: SCHEMA.summary },
  options: {},
  examples: [['npx s3-replicator config check', 'Before a deployment']],
};

/** `s3-replicator config …`: the arguments after `config`, to the exit code. Throws CliError. */
export const runConfig = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const [word, ...rest] = argv;
  if (word === 'check') return runConfigCheck(rest, io);
  if (word === 'schema') return runConfigSchema(rest, io);
  if (word !== undefined && !word.startsWith('-')) {
    const nearest = nearestWord(word, ['check', 'schema']);
    const suggestion = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
    throw new CliError(
      'unknown-command',
      `${JSON.stringify(word)} is not a command of \`config\`.${suggestion}`,
    );
  }
  const asked = parseOptions(CONFIG, argv).has('help');
  (asked ? io.stdout : io.stderr).write(helpText(CONFIG));
  return asked ? EXIT.ok : EXIT.usage;
};
