import type { OperatorQueue, MoveTask } from '../../lib/dead-letters/queue.ts';
import { type Peeked, peek } from '../../lib/dead-letters/list.ts';
import { isUnderWay, redriveAll } from '../../lib/dead-letters/redrive-all.ts';
import { countByReason, messageCount } from './dead-letter-text.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress, movedSoFar } from '../terminal/progress.ts';
import { type RedriveRequest, type RedriveResult, unmoved } from './redrive-result.ts';

/** Maximum messages that are read to count their reasons. After the count, SQS moves all messages. */
const COUNTED = 1_000;

/** Makes SQS move all messages, and shows the progress. If a move task is running already, shows the progress of that task. */
export const redriveEverything = async (
  queue: OperatorQueue,
  { filter, maxPerSecond }: RedriveRequest,
  io: CliIo,
): Promise<RedriveResult> => {
  const nothing = unmoved(queue, 'message-move-task');
  const running = (await queue.moveTasks()).some(isUnderWay);
  // The reasons are counted before the move, because SQS does not report which messages it moves. If a move task is running, nothing is
  // counted, because reading messages would hide them from the move task.
  const peeked = running ? null : await peek(queue, { filter, limit: COUNTED, reader: io, onRead: () => {} });
  if (peeked?.interrupted) return { ...nothing, status: 'interrupted' };
  if (peeked?.messages.length === 0) return { ...nothing, ...explainEmpty(peeked, io) };
  const counts = {
    byReason: countByReason(peeked?.messages ?? []),
    byReasonComplete: peeked !== null && !peeked.more,
  };

  const progress = createProgress(io);
  const onProgress = ({ moved, total, startedMs }: MoveTask): void =>
    progress.update(movedSoFar(moved, total, io.now() - startedMs));
  const { interrupted: signal } = io;
  const watched = await redriveAll(queue, {
    maxPerSecond,
    interrupted: signal,
    sleep: (ms) => io.sleep(ms),
    onProgress,
  }).finally(() => progress.end());
  const { task, attached, interrupted } = watched;
  for (const note of moveNotes(queue, task, { attached, interrupted })) io.stderr.write(`note: ${note}\n`);
  const problem = interrupted ? null : moveProblem(task);
  if (problem !== null) io.stderr.write(`s3-replicator: ${problem}\n`);
  return {
    ...nothing,
    ...counts,
    status: interrupted ? 'interrupted' : problem === null ? 'done' : 'failed',
    moved: task.moved,
    notMoved: interrupted ? 0 : Math.max(0, (task.total ?? 0) - task.moved),
    problem,
  };
};

/**
 * Called when no message could be read. If the queue is empty, the redrive has succeeded. If another reader holds messages, the redrive has
 * failed, because these messages remain in the queue.
 */
const explainEmpty = ({ hidden }: Peeked, io: CliIo): Partial<RedriveResult> => {
  if (hidden === 0) return {};
  const problem = `about ${messageCount(hidden)} held by another command: try again in a minute`;
  io.stderr.write(`s3-replicator: ${problem}\n`);
  return { status: 'failed', notMoved: hidden, problem };
};

const moveNotes = (
  queue: OperatorQueue,
  task: MoveTask,
  { attached, interrupted }: { attached: boolean; interrupted: boolean },
): string[] => [
  ...(attached
    ? ['a move task was running already: this is its progress, and no other task was started.']
    : []),
  ...(interrupted ? [stillRunning(queue, task)] : []),
];

const stillRunning = ({ region, arn }: OperatorQueue, { handle }: MoveTask): string =>
  [
    'the move task continues by itself. To watch it, run this command again, or',
    `    aws sqs list-message-move-tasks --region ${region} --source-arn ${arn}`,
    '  To stop it:',
    `    aws sqs cancel-message-move-task --region ${region} --task-handle ${handle ?? 'HANDLE'}`,
  ].join('\n');

const moveProblem = ({ status, failureReason }: MoveTask): string | null => {
  if (status === 'FAILED') return `the move task failed: ${failureReason ?? 'SQS gives no reason'}`;
  return status === 'CANCELLED' ? 'the move task was cancelled' : null;
};
