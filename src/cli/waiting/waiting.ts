import { openWaiting } from '../../lib/aws/operator.ts';
import type { CommandSpec } from '../terminal/command.ts';
import { type Command, runGroup } from '../terminal/command-group.ts';
import { runWaitingList, WAITING_LIST } from './waiting-list.ts';
import type { WaitingPorts } from './waiting-queues.ts';
import { runWaitingRetry, WAITING_RETRY } from './waiting-retry.ts';

const GROUP: CommandSpec = {
  name: 'waiting',
  summary: 'Shows what waits for destinations, and lets it back at once.',
  subcommands: { list: WAITING_LIST.summary, retry: WAITING_RETRY.summary },
  options: {},
  examples: [
    [
      'npx s3-replicator waiting list',
      'Which destinations are avoided, and how many messages wait for them?',
    ],
    ['npx s3-replicator waiting retry', 'The destinations are back: do not wait for the schedule'],
  ],
};

export const waitingWith =
  (ports: WaitingPorts): Command =>
  (argv, io) =>
    runGroup(
      {
        spec: GROUP,
        commands: {
          list: (rest) => runWaitingList(rest, io, ports),
          retry: (rest) => runWaitingRetry(rest, io, ports),
        },
      },
      argv,
      io,
    );

/** Runs `s3-replicator waiting …`. */
export const runWaiting: Command = waitingWith({ open: openWaiting });
