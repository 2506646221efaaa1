/**
 * Carries out the tasks of S3 Batch Operations. Each task names one object, which is replicated as if S3 had sent an event for
 * it.
 */
import { contextOf, type PassedOver } from '../converge/context.ts';
import { announced } from '../delivery/announced.ts';
import { announcerOf } from '../delivery/announcer.ts';
import { converge } from '../converge/converge.ts';
import type { Deps } from '../delivery/deps.ts';
import { receiptOf } from '../delivery/outcome.ts';
import type { Refusals } from '../delivery/refusals.ts';
import { type Hint } from '../hint/hint.ts';
import { decodeFormKey } from '../hint/parse-message.ts';
import { assign, type Assignment, taskOf } from '../hint/route.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { isRecord, type JsonRecord, textOrNull } from '../model/json.ts';
import { isPermission, reasonEntry } from '../model/reasons.ts';

/**
 * S3 repeats a task after a `TemporaryFailure`, but not after a `PermanentFailure`. The completion report of S3 lists both.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
 */
export type ResultCode = 'Succeeded' | 'TemporaryFailure' | 'PermanentFailure';

export interface BatchResult {
  taskId: string;
  resultCode: ResultCode;
  /** The text for the completion report. */
  resultString: string;
}

export interface BatchOperationsAnswer {
  invocationSchemaVersion: string;
  treatMissingKeysAs: ResultCode;
  invocationId: string;
  results: BatchResult[];
}

type BatchDeps = Pick<
  Deps,
  | 'configuration'
  | 'buckets'
  | 'circuits'
  | 'clock'
  | 'invocation'
  | 'transfers'
  | 'serverSide'
  | 'versionReceipts'
  | 'signer'
  | 'brake'
  | 'announcements'
> & { refusals: Refusals };

interface BatchTask extends Pick<Hint, 'bucket' | 'key' | 'versionId'> {
  taskId: string;
}

interface UnreadableTask {
  taskId: string;
  why: string;
}

/**
 * Carries out the tasks of one event. Throws `malformed-message` if `event` is not an event of S3 Batch Operations. All tasks of
 * the event then fail.
 */
export const answerBatch = async (event: unknown, deps: BatchDeps): Promise<BatchOperationsAnswer> => {
  const { invocationSchemaVersion, invocationId, tasks } = parseEvent(event);
  const results = await Promise.all(tasks.map((task) => resultOf(task, deps)));
  await deps.brake.flush();
  // A task that is missing in the response must not count as done.
  return { invocationSchemaVersion, treatMissingKeysAs: 'TemporaryFailure', invocationId, results };
};

const resultOf = async (task: BatchTask | UnreadableTask, deps: BatchDeps): Promise<BatchResult> => {
  const { taskId } = task;
  if ('why' in task) return { taskId, resultCode: 'PermanentFailure', resultString: task.why };
  try {
    return await replicateEverywhere(task, deps);
  } catch (thrown) {
    return { taskId, ...failureFor('', thrown, deps) };
  }
};

const MAX_RESULT_CHARACTERS = 1_000;

/** Replicates one object to all its destinations, even if one of them fails. */
const replicateEverywhere = async (
  { taskId, bucket, key, versionId }: BatchTask,
  deps: BatchDeps,
): Promise<BatchResult> => {
  const assignments = assign(deps.configuration, { ...HINT, bucket, key, versionId });
  if (assignments.length === 0)
    throw new ReplicationError('unknown-rule', `no rule of this deployment wants this key of ${bucket}`);
  const results: Pick<BatchResult, 'resultCode' | 'resultString'>[] = [];
  for (const assignment of assignments) {
    const { id } = assignment.destination;
    try {
      results.push(resultFor(id, await replicateTo(assignment, deps)));
    } catch (thrown) {
      results.push(failureFor(`${id}: `, thrown, deps));
    }
  }
  // S3 repeats the whole task after a temporary failure. The repeated task finds nothing left to do at the destinations that
  // succeeded.
  const worst = WORST_FIRST.find((code) => results.some(({ resultCode }) => resultCode === code));
  return {
    taskId,
    resultCode: worst ?? 'Succeeded',
    // Failures come first, because the text may be cut off.
    resultString: results
      .toSorted((one, other) => rank(one.resultCode) - rank(other.resultCode))
      .map(({ resultString }) => resultString)
      .join(', ')
      .slice(0, MAX_RESULT_CHARACTERS),
  };
};

const WORST_FIRST: readonly ResultCode[] = ['TemporaryFailure', 'PermanentFailure', 'Succeeded'];

const rank = (code: ResultCode): number => WORST_FIRST.indexOf(code);

/**
 * Returns the result of one destination. A job names objects that exist. If an object is gone, somebody has to know, because
 * nothing was replicated.
 */
const resultFor = (destination: string, outcome: string): Pick<BatchResult, 'resultCode' | 'resultString'> =>
  outcome in NOT_DONE
    ? { resultCode: 'PermanentFailure', resultString: `${destination}: ${NOT_DONE[outcome]}` }
    : { resultCode: 'Succeeded', resultString: `${destination}: ${outcome}` };

/** The outcomes that leave the replica different from the source, with their texts in the completion report. */
const NOT_DONE: Record<string, string> = {
  'source-gone': 'the object is not in the source bucket',
  held: 'held, because the brake is closed: see `s3-replicator brake status`',
};

const failureFor = (
  prefix: string,
  thrown: unknown,
  { refusals }: BatchDeps,
): Pick<BatchResult, 'resultCode' | 'resultString'> => {
  const error = asReplicationError(thrown);
  // If the failure may pass, S3 repeats the task before the job ends.
  const mayPass = error.disposition === 'retry' || refusals.mayPass(prefix, error);
  const text = `${prefix}${error.reason}: ${error.message}. ${reasonEntry(error.reason).fix}`;
  return {
    resultCode: mayPass ? 'TemporaryFailure' : 'PermanentFailure',
    resultString: text.slice(0, MAX_RESULT_CHARACTERS),
  };
};

const HINT = {
  sizeBytes: null,
  kind: 'hint',
  identity: null,
  principalId: null,
  rule: null,
  destination: null,
  run: null,
} as const;

/** How long ago an earlier attempt of a task may have been. S3 does not say whether it repeats a task. */
const REPEATED_MS = 60 * 60_000;

/**
 * Leaves out the queue for events that the event bus refuses, because the batch function may not send to the live queue. If the
 * event bus refuses an event, the task fails, and S3 repeats it.
 */
const withoutQueue = ({ announcements, clock }: BatchDeps): Parameters<typeof announcerOf>[0] =>
  announcements === undefined ? { clock } : { clock, announcements: { ...announcements, keep: null } };

const replicateTo = async (assignment: Assignment, deps: BatchDeps): Promise<string> => {
  const { clock, invocation } = deps;
  const startedMs = clock.now();
  if (startedMs >= invocation.deadlineMs)
    throw new ReplicationError('out-of-time', 'the invocation is nearly over');
  // S3 repeats the task later, when the destination may be back.
  await deps.circuits.admit(assignment);
  const passedOver: PassedOver[] = [];
  const task = taskOf(assignment);
  const context = contextOf(task, deps, async (version) => {
    // The permission may have been granted a moment ago. A task does not know how long the permission has been missing.
    if (isPermission(version.error.reason)) throw version.error;
    passedOver.push(version);
  });
  const announce = announcerOf(withoutQueue(deps));
  const convergence = await converge(
    task,
    await announced(context, { task, announce, sinceMs: startedMs - REPEATED_MS }),
  );
  const [missing] = passedOver;
  if (missing !== undefined) {
    const why = `version ${missing.versionId} was passed over, newer ones are replicated`;
    throw new ReplicationError(missing.error.reason, why);
  }
  const { outcome } = receiptOf(convergence, startedMs, clock.now());
  // S3 does not wait for work that takes longer than one invocation.
  return outcome === 'transferring'
    ? 'transferring (continues after this job, see `transfers list`)'
    : outcome;
};

const parseEvent = (event: unknown) => {
  const { invocationSchemaVersion, invocationId, tasks } = asRecord(event);
  if (
    typeof invocationSchemaVersion !== 'string' ||
    typeof invocationId !== 'string' ||
    !Array.isArray(tasks)
  )
    throw new ReplicationError('malformed-message', 'this is no event of S3 Batch Operations');
  return {
    invocationSchemaVersion,
    invocationId,
    tasks: tasks.map((task: unknown) => parseTask(asRecord(task))),
  };
};

/**
 * Reads one task of an event. Schema 2.0 contains the name of the bucket, and schema 1.0 its ARN. The key is URL-encoded in both.
 */
const parseTask = ({
  taskId,
  s3Key,
  s3VersionId,
  s3Bucket,
  s3BucketArn,
}: JsonRecord): BatchTask | UnreadableTask => {
  const id = textOf(taskId);
  const bucket =
    typeof s3Bucket === 'string' ? s3Bucket : textOf(s3BucketArn ?? '').replace(/^arn:[^:]*:s3:::/, '');
  if (typeof s3Key !== 'string' || bucket === '')
    return { taskId: id, why: 'the task names no bucket or no key' };
  const key = decodeFormKey(s3Key);
  return key === null
    ? { taskId: id, why: 'the key is not URL-encoded UTF-8' }
    : { taskId: id, bucket, key, versionId: textOrNull(s3VersionId) };
};

/** Returns a text for any JSON value. `String` would throw for an object that has a member named `toString`. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

const asRecord = (value: unknown): JsonRecord => (isRecord(value) ? value : {});
