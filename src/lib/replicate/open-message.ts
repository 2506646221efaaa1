/** Opens a message. Finds the rules and destinations of its hints, and the parts that need no work or cannot be read. */
import type { Kept } from '../delivery/announcer.ts';
import type { Deps, QueueMessage } from '../delivery/deps.ts';
import { blank, type Failure } from '../delivery/failure.ts';
import { acceptedFrom, formatHint, type Hint } from '../hint/hint.ts';
import { parseMessage } from '../hint/parse-message.ts';
import type { Assignment } from '../hint/route.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { assignHint } from '../transfer/transfer-hint.ts';

/** Finds the rules and destinations for each hint in the message. A part that needs no work is only reported. */
export const openMessage = (
  message: QueueMessage,
  { configuration, reporter }: Deps,
): { assignments: Assignment[]; failures: Failure[]; kept: Kept[] } => {
  const kept: Kept[] = [];
  const assignments: Assignment[] = [];
  const failures: Failure[] = [];
  for (const part of parseMessage(message.body)) {
    if (part.kind === 'test-event') reporter.report({ ...blank(message), ending: 'skip', why: 'test-event' });
    else if (part.kind === 'announcement') kept.push(part);
    else if (part.kind === 'malformed') {
      const error = new ReplicationError('malformed-message', part.why);
      failures.push({ error, body: part.body, hint: null, assignment: null });
    } else if (part.kind === 'newer') {
      failures.push({ error: part.error, body: part.body, hint: null, assignment: null });
    } else {
      const hint = acceptedFrom(message.origin, part.hint);
      try {
        const assigned = assignHint(configuration, hint);
        assignments.push(...assigned);
        if (assigned.length > 0) continue;
        const where = { sourceBucket: hint.bucket, key: hint.key, version: hint.versionId };
        reporter.report({ ...blank(message), ...where, ending: 'skip', why: 'no-rule' });
      } catch (error) {
        failures.push({ error: asReplicationError(error), ...bodiesOf(hint), hint, assignment: null });
      }
    }
  }
  return { assignments, failures, kept };
};

/**
 * Returns the bodies of the messages for a failed hint. A dead letter no longer belongs to the run, because the run counts its
 * hint as failed and may be over before the redrive. A redrive also begins a new chain.
 */
export const bodiesOf = (hint: Hint): Pick<Failure, 'body' | 'again'> => {
  const { chain: _chain, ...unchained } = hint;
  return { body: formatHint({ ...unchained, run: null }), again: formatHint(hint) };
};
