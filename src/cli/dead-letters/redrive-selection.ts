import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { redriveMatching } from '../../lib/dead-letters/redrive-matching.ts';
import { asCliError } from '../aws-errors.ts';
import { CliError } from '../terminal/errors.ts';
import type { ParsedOptions } from '../terminal/command.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress, movedSoFar } from '../terminal/progress.ts';
import { assertNamesExist } from './dead-letter-options.ts';
import { messageCount, type RedriveRequest, type RedriveResult, unmoved } from './redrive-result.ts';

/** Sends the messages that match the filter, batch by batch, and shows the progress. */
export const redriveSelection = async (
  queue: OperatorQueue,
  request: RedriveRequest,
  options: ParsedOptions,
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
  const matching = moved + refused + redriven.cameBack;
  if (redriven.failure === null) assertNamesExist(request.filter, { ...redriven, matching }, options, io);
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
  // When the limit is reached, the messages that other readers hold do not matter, because no more messages were requested.
  const notRead = moved === request.limit ? 0 : hidden;
  const isFailed = failure !== null || refused > 0 || (notRead > 0 && !interrupted);
  return {
    ...unmoved(queue, 'one-by-one'),
    status: isFailed ? 'failed' : interrupted ? 'interrupted' : 'done',
    moved,
    notMoved: refused + notRead,
    inBothQueues: redriven.inBoth,
    byReason: mostFirst(redriven.byReason),
    problem: selectionProblem(failure, { refused, notRead }, queue),
  };
};

const mostFirst = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).toSorted(([, a], [, b]) => b - a));

const selectionProblem = (
  failure: unknown,
  { refused, notRead }: { refused: number; notRead: number },
  queue: OperatorQueue,
): string | null => {
  if (failure !== null) return failure instanceof Error ? failure.message : String(failure);
  if (refused > 0) return `${queue.liveName} did not accept ${messageCount(refused)}`;
  return notRead === 0
    ? null
    : `about ${messageCount(notRead)} held by another command: try again in a minute`;
};
