import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { redriveMatching } from '../../lib/dead-letters/redrive-matching.ts';
import { asCliError } from '../aws-errors.ts';
import { countByReason, messageCount } from './dead-letter-text.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress, movedSoFar } from '../terminal/progress.ts';
import { type RedriveRequest, type RedriveResult, unmoved } from './redrive-result.ts';

/** Sends the messages that match the filter, batch by batch, and shows the progress. */
export const redriveSelection = async (
  queue: OperatorQueue,
  request: RedriveRequest,
  io: CliIo,
): Promise<RedriveResult> => {
  const progress = createProgress(io);
  const startMs = io.now();
  const onMoved = (count: number): void =>
    progress.update(movedSoFar(count, request.limit, io.now() - startMs));
  const redriven = await redriveMatching(queue, { ...request, reader: io, onMoved }).finally(() =>
    progress.end(),
  );
  const { moved, refused, hidden, interrupted } = redriven;
  const failure = redriven.failure === null ? null : asCliError(redriven.failure);
  if (hidden > 0) {
    io.stderr.write(
      `note: about ${messageCount(hidden)} not read: another command or a redrive holds them.\n`,
    );
  }
  if (redriven.cameBack > 0) {
    io.stderr.write(
      `note: ${messageCount(redriven.cameBack)} failed again and came back: \`dlq list\` shows why.\n`,
    );
  }
  if (failure instanceof CliError) io.stderr.write(failure.format());
  return {
    ...unmoved(queue, 'one-by-one'),
    status: failure !== null || refused > 0 ? 'failed' : interrupted ? 'interrupted' : 'done',
    moved: moved.length,
    notMoved: refused,
    inBothQueues: redriven.inBoth,
    byReason: countByReason(moved),
    problem: selectionProblem(failure, refused, queue),
  };
};

const selectionProblem = (failure: unknown, refused: number, queue: OperatorQueue): string | null => {
  if (failure !== null) return failure instanceof Error ? failure.message : String(failure);
  return refused === 0 ? null : `${queue.liveName} did not accept ${messageCount(refused)}`;
};
