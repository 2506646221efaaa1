import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { CHECK, runConfigCheck } from './config-check.ts';
import { POLICY, runConfigPolicy } from './config-policy.ts';
import { KEY, type ReadPublicKey, runConfigKey } from './config-key.ts';
import { runConfigSchema, SCHEMA } from './config-schema.ts';

const CONFIG: CommandSpec = {
  name: 'config',
  summary: 'Works on replication.yml. Only `config key` needs an AWS account.',
  subcommands: {
    check: CHECK.summary,
    key: KEY.summary,
    policy: POLICY.summary,
    schema: SCHEMA.summary,
  },
  options: {},
  examples: [['npx s3-replicator config check', 'Before a deployment']],
};

export const configWith =
  (readKey: ReadPublicKey): Command =>
  (argv, io) =>
    runGroup(
      {
        spec: CONFIG,
        commands: {
          check: runConfigCheck,
          key: (rest) => runConfigKey(rest, io, readKey),
          policy: runConfigPolicy,
          schema: runConfigSchema,
        },
      },
      argv,
      io,
    );

/** Runs `s3-replicator config …`. The SDK is imported only if it is needed, because the other commands answer without it. */
export const runConfig: Command = configWith(async (tableName, region) => {
  const { readPublicKey } = await import('../../lib/aws/dynamodb/stamp-key.ts');
  return await readPublicKey(tableName, region);
});
