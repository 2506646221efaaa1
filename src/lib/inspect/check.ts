/**
 * The action `check`: finds out which messages would fail if they were sent back now. The code that replicates decides this in a dry run.
 * Before a write, an upload with the same headers is begun, to see whether S3 would accept the write.
 */
import type { DryRun, PlannedCall } from '../converge/dry-run.ts';
import { acceptedFrom } from '../hint/hint.ts';
import { type Parsed, parseMessage } from '../hint/parse-message.ts';
import { assign, type Assignment, taskOf } from '../hint/route.ts';
import { mapConcurrently } from '../model/concurrency.ts';
import { ReplicationError } from '../model/errors.ts';
import { isRecord, type JsonRecord } from '../model/json.ts';
import type { Task } from '../model/task.ts';
import type { InspectAnswer, InspectDeps } from './action.ts';
import { dryRunFor } from './next-step.ts';

/** The queue to which a message would return, and its body. */
export interface CheckedMessage {
  queue: 'live' | 'backfill';
  body: string;
}

/**
 * - `fails`: the message would become a dead letter again, or could not be tried at all.
 * - `acts`: the message would replicate, delete or change something.
 * - `ends`: nothing is left to do.
 * - `unclear`: AWS did not answer, or asked to slow down.
 */
export type Verdict = 'fails' | 'acts' | 'ends' | 'unclear';

export interface MessageCheck {
  verdict: Verdict;
  /** The reason of the failure, the outcome, or S3's name of the call. */
  what: string;
  /** The failure in words; null: the message would not fail. */
  detail: string | null;
  /** Whether the write was tried at S3. A delete, for example, cannot be tried without deleting. */
  isProbed: boolean;
}

/** Maximum number of messages of one request. Each takes some requests to S3 for each of its destinations. */
export const MAX_CHECKED = 50;
const CHECKED_AT_ONCE = 8;

export const check = async (fields: JsonRecord, deps: InspectDeps): Promise<InspectAnswer> => {
  const messages: unknown = fields['messages'];
  if (!Array.isArray(messages) || !messages.every(isMessage) || messages.length > MAX_CHECKED)
    return {
      problems: [`"messages" must be a list of at most ${MAX_CHECKED} objects with "queue" and "body"`],
    };
  return {
    checks: await mapConcurrently(messages, CHECKED_AT_ONCE, (message) => checkMessage(message, deps)),
  };
};

const isMessage = (value: unknown): value is CheckedMessage =>
  isRecord(value) &&
  (value['queue'] === 'live' || value['queue'] === 'backfill') &&
  typeof value['body'] === 'string';

/** Reads the answer of the function. Returns null if the value is not an answer. */
export const parseChecks = (answer: unknown): MessageCheck[] | null => {
  const checks: unknown = isRecord(answer) ? answer['checks'] : null;
  return Array.isArray(checks) && checks.every(isCheck) ? checks : null;
};

const isCheck = (value: unknown): value is MessageCheck =>
  isRecord(value) && typeof value['verdict'] === 'string' && typeof value['what'] === 'string';

/** Checks one message. A message fails if one of its pieces does. */
const checkMessage = async ({ queue, body }: CheckedMessage, deps: InspectDeps): Promise<MessageCheck> => {
  const checks = await Promise.all(parseMessage(body).map((part) => checkPart(part, queue, deps)));
  const worst = WORST_FIRST.flatMap((verdict) => checks.flat().filter((each) => each.verdict === verdict));
  return worst[0] ?? ended('no-rule');
};

const WORST_FIRST: readonly Verdict[] = ['fails', 'unclear', 'acts', 'ends'];

const checkPart = async (part: Parsed, queue: string, deps: InspectDeps): Promise<MessageCheck[]> => {
  if (part.kind === 'test-event') return [ended('test-event')];
  if (part.kind === 'malformed') return [failed(new ReplicationError('malformed-message', part.why))];
  if (part.kind === 'newer') return [failed(part.error)];
  if (part.kind === 'announcement')
    return [{ verdict: 'acts', what: 'PutEvents', detail: null, isProbed: false }];
  try {
    const assignments = assign(deps.configuration, acceptedFrom(queue, part.hint));
    return await Promise.all(assignments.map((assignment) => checkAssignment(assignment, deps)));
  } catch (error) {
    return [failedOrThrow(error)];
  }
};

const checkAssignment = async (assignment: Assignment, deps: InspectDeps): Promise<MessageCheck> => {
  const task = taskOf(assignment);
  try {
    return await verdictOn(await dryRunFor(task, deps), task, deps);
  } catch (error) {
    return failedOrThrow(error);
  }
};

const verdictOn = async (run: DryRun, task: Task, deps: InspectDeps): Promise<MessageCheck> => {
  if (run.kind === 'fails') return failed(run.error);
  if (run.kind === 'done') return ended(run.convergence.outcome);
  const isProbed = await probe(run.planned, task, deps);
  return { verdict: 'acts', what: run.planned.call, detail: null, isProbed };
};

/**
 * Begins an upload with the headers of the write, and aborts it. Throws the refusal of S3. Resolves to false if the call is no
 * write.
 */
const probe = async (
  { key, attributes }: PlannedCall,
  { destination }: Task,
  { probing }: InspectDeps,
): Promise<boolean> => {
  if (attributes === null) return false;
  const bucket = probing.destination(destination);
  const { uploadId } = await bucket.createUpload({ key, attributes, checksum: null });
  // If the upload cannot be aborted, the sweep aborts it later.
  await bucket.abortUpload({ key, uploadId }).catch(() => undefined);
  return true;
};

const ended = (what: string): MessageCheck => ({ verdict: 'ends', what, detail: null, isProbed: false });

const failed = ({ reason, message, disposition }: ReplicationError): MessageCheck => ({
  verdict: disposition === 'retry' ? 'unclear' : 'fails',
  what: reason,
  detail: message,
  isProbed: false,
});

const failedOrThrow = (error: unknown): MessageCheck => {
  if (error instanceof ReplicationError) return failed(error);
  throw error;
};
