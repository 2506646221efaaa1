import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { CHECK_LETTERS, runDlqCheck } from './dlq-check.ts';
import { DISCARD, runDlqDiscard } from './dlq-discard.ts';
import { LIST, runDlqList } from './dlq-list.ts';
import { REDRIVE, runDlqRedrive } from './dlq-redrive.ts';

const DLQ: CommandSpec = {
  name: 'dlq',
  summary: 'Works on the dead-letter queue: the messages that need a person.',
  subcommands: {
    list: LIST.summary,
    check: CHECK_LETTERS.summary,
    redrive: REDRIVE.summary,
    discard: DISCARD.summary,
  },
  options: {},
  examples: [
    ['npx s3-replicator dlq list', 'What failed, and what to do about it'],
    ['npx s3-replicator dlq redrive --reason access-denied', 'After fixing the policy'],
  ],
};

const COMMANDS: Readonly<Record<string, Command>> = {
  list: runDlqList,
  check: runDlqCheck,
  redrive: runDlqRedrive,
  discard: runDlqDiscard,
};

/** Runs `s3-replicator dlq …`. */
export const runDlq: Command = (argv, io) => runGroup({ spec: DLQ, commands: COMMANDS }, argv, io);
