import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf } from '../deployment.ts';
import { withCliErrors } from '../aws-errors.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';

/** Resolves to the public key in a table, or to null if the table has no key. Throws ReplicationError. */
export type ReadPublicKey = (tableName: string, region: string) => Promise<string | null>;

export const KEY: CommandSpec = {
  name: 'config key',
  summary: 'Print the public key with which the deployed stack signs its replicas.',
  description: [
    'A deployment whose source bucket receives these replicas names the key under `source.replicators`. The key is created with the first replica. Reads one item of the table of idempotency records, and of this item only the public key.',
  ],
  options: { json: { description: 'Print `{"publicKey": …}`.' }, ...DEPLOYMENT_OPTIONS },
  exitCodes: [
    [EXIT.ok, 'The key is printed.'],
    [EXIT.failure, 'The stack has no key yet, or the table could not be read.'],
    [EXIT.usage, 'The command line is wrong.'],
  ],
  examples: [['npx s3-replicator config key', 'What the opposite deployment has to name']],
};

/** Runs `s3-replicator config key …`. Resolves to the exit code. Throws CliError. */
export const runConfigKey = async (
  argv: readonly string[],
  io: CliIo,
  read: ReadPublicKey,
): Promise<number> => {
  const options = parseOptions(KEY, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(KEY, io.columns));
    return EXIT.ok;
  }
  const deployment = deploymentOf(options, io);
  const publicKey = await withCliErrors(() => read(resourceNames(deployment).table, deployment.region));
  if (publicKey === null) {
    throw new CliError('no-key', `The table ${resourceNames(deployment).table} holds no key of stamps.`);
  }
  io.stdout.write(options.has('json') ? jsonText({ publicKey }) : `${publicKey}\n`);
  return EXIT.ok;
};
