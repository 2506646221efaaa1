import { jsonSchema } from '../../lib/configuration/schema.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { writeData } from '../terminal/fitted.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';

export const SCHEMA: CommandSpec = {
  name: 'config schema',
  summary: 'Print the JSON schema of replication.yml, for editors.',
  options: {},
  examples: [
    ['npx s3-replicator config schema > docs/replication.schema.json', 'Update the schema in the repository'],
  ],
};

/** Prints the JSON schema of replication.yml. Throws CliError. */
export const runConfigSchema = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const asked = parseOptions(SCHEMA, argv).has('help');
  if (asked) io.stdout.write(helpText(SCHEMA, io.columns));
  else writeData(io.stdout, jsonText(jsonSchema()));
  return EXIT.ok;
};
