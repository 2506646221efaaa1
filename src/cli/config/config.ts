import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { CHECK, runConfigCheck } from './config-check.ts';
import { POLICY, runConfigPolicy } from './config-policy.ts';
import { runConfigSchema, SCHEMA } from './config-schema.ts';

const CONFIG: CommandSpec = {
  name: 'config',
  summary: 'Works on replication.yml. Needs no AWS account.',
  subcommands: { check: CHECK.summary, policy: POLICY.summary, schema: SCHEMA.summary },
  options: {},
  examples: [['npx s3-replicator config check', 'Before a deployment']],
};

/** Runs `s3-replicator config …`. */
export const runConfig: Command = (argv, io) =>
  runGroup(
    { spec: CONFIG, commands: { check: runConfigCheck, policy: runConfigPolicy, schema: runConfigSchema } },
    argv,
    io,
  );
