import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { CHECK, runConfigCheck } from './config-check.ts';
import { DESTINATION, runConfigDestination } from './config-destination.ts';
import type { CallerAccount } from '../source-account.ts';
import { POLICY, runConfigPolicy } from './config-policy.ts';
import { KEY, type ReadPublicKey, runConfigKey } from './config-key.ts';
import { runConfigSchema, SCHEMA } from './config-schema.ts';

const CONFIG: CommandSpec = {
  name: 'config',
  summary: 'Works on replication.yml. Most commands ask AWS nothing.',
  subcommands: {
    check: CHECK.summary,
    destination: DESTINATION.summary,
    key: KEY.summary,
    policy: POLICY.summary,
    schema: SCHEMA.summary,
  },
  options: {},
  examples: [['npx s3-replicator config check', 'Before a deployment']],
};

/** The access to AWS that these commands need. */
interface ConfigPorts {
  readPublicKey: ReadPublicKey;
  callerAccount: CallerAccount;
}

export const configWith =
  ({ readPublicKey, callerAccount }: ConfigPorts): Command =>
  (argv, io) =>
    runGroup(
      {
        spec: CONFIG,
        commands: {
          check: runConfigCheck,
          destination: (rest) => runConfigDestination(rest, io, callerAccount),
          key: (rest) => runConfigKey(rest, io, readPublicKey),
          policy: (rest) => runConfigPolicy(rest, io, callerAccount),
          schema: runConfigSchema,
        },
      },
      argv,
      io,
    );

/** Runs `s3-replicator config …`. The SDK is imported only if it is needed, because the other commands answer without it. */
export const runConfig: Command = configWith({
  async readPublicKey(tableName, region) {
    const { readPublicKey } = await import('../../lib/aws/dynamodb/stamp-key.ts');
    return await readPublicKey(tableName, region);
  },
  async callerAccount(region) {
    const { callerAccount } = await import('../../lib/aws/operator.ts');
    return await callerAccount(region)();
  },
});
