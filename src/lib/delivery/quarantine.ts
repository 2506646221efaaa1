/** Puts pieces that need a person into the dead-letter queue. */
import { type Hint, isOfRun, PASSED_OVER_KIND } from '../hint/hint.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Reason } from '../model/reasons.ts';
import { type DeadLetter, piecesOf } from './dead-letter.ts';
import type { Deps, QueueMessage } from './deps.ts';
import { allOf, type Failure, reportAll } from './failure.ts';
import { type LetterKey, letterKey, standsForKey } from './known-letters.ts';
import { attemptsOf, firstSeenMsOf } from './retry.ts';

/**
 * Sends the failed piece to the dead-letter queue. Resolves when SQS has accepted the message. Sends nothing if the failed hint came from
 * a run and the key already has a letter. A redrive of that letter does the same work.
 */
export const quarantine = async (failure: Failure, message: QueueMessage, deps: Deps): Promise<void> => {
  const { error } = failure;
  const exhausted = new ReplicationError('retries-exhausted', `${error.reason}: ${error.message}`, {
    cause: error,
    requestId: error.requestId,
  });
  const final = { ...failure, error: error.disposition === 'retry' ? exhausted : error };
  const letter = letterOf(final, message);
  const of = standsForKeyOf(failure) ? letterKey(letter) : null;
  if (!(await isSecond(failure, of, deps))) {
    await sendLetter(final.body, letter, deps);
    // Without the record, a backfill sends a second letter, which does no harm.
    if (of !== null) await deps.letters.keep(of).catch(() => undefined);
  }
  reportAll('quarantine', final, message, deps);
  for (const { hint } of allOf(failure)) if (hint !== null) countFailed(hint, final.error.reason, deps);
};

const standsForKeyOf = ({ hint, merged }: Failure): boolean =>
  merged === undefined && hint !== null && standsForKey(hint);

/**
 * Returns true if the hint comes from a run and the key already has a letter. If the record cannot be read, returns false, so a second
 * letter is possible. A hint by which a run repairs or rewrites always gets its own letter, because the hint of the earlier letter might
 * do less.
 */
const isSecond = async ({ hint }: Failure, of: LetterKey | null, { letters }: Deps): Promise<boolean> => {
  if (of === null || hint === null || hint.run === null || isOfRun(hint)) return false;
  return await letters.has(of).catch(() => false);
};

const sendLetter = async (body: string, letter: DeadLetter, deps: Deps): Promise<void> => {
  const pieces = piecesOf(body);
  for (const [index, piece] of pieces.entries()) {
    const part = pieces.length === 1 ? '' : `piece ${index + 1} of ${pieces.length} of a long message: `;
    await deps.deadLetterQueue.send(piece, { ...letter, detail: part + letter.detail });
  }
};

const countFailed = (hint: Hint, reason: Reason, { runs }: Deps): void => {
  const { run, kind, key } = hint;
  if (run === null) return;
  runs.count(run, { kind: kind === PASSED_OVER_KIND ? 'passed-over' : 'failed', key, reason });
};

const letterOf = (
  { error, hint, assignment, merged: all = [] }: Failure,
  message: QueueMessage,
): DeadLetter => ({
  reason: error.reason,
  rule: assignment?.rule.id ?? hint?.rule ?? null,
  destination: assignment?.destination.id ?? hint?.destination ?? null,
  bucket: hint?.bucket ?? null,
  key: hint?.key ?? null,
  version: hint?.versionId ?? null,
  firstSeenMs: firstSeenMsOf(message),
  attempts: attemptsOf(message),
  requestId: error.requestId,
  detail: `${all.length > 1 ? `${all.length} pieces of one message, the first: ` : ''}${error.message}`,
});
