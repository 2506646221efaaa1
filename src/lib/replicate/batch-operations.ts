/** Tasks of S3 Batch Operations: one object each, replicated as if its event had come. */
import { assign } from '../hint/route.ts';
import { converge } from '../converge/converge.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { reasonEntry } from '../model/reasons.ts';
import type { Deps } from '../delivery/deps.ts';
import { type Receipt, receiptOf } from '../delivery/outcome.ts';
import { decodeFormKey } from '../hint/hint.ts';
import { isRecord, type JsonRecord, textOrNull } from '../model/json.ts';
import type { PassedOver } from '../converge/convergence.ts';

/**
 * `TemporaryFailure` is tried again by S3, `PermanentFailure` is not; both are in its completion report.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
 */
export type ResultCode = 'Succeeded' | 'TemporaryFailure' | 'PermanentFailure';

export interface BatchResult {
  taskId: string;
  resultCode: ResultCode;
  /** Into the completion report. */
  resultString: string;
}

export interface BatchAnswer {
  invocationSchemaVersion: string;
  treatMissingKeysAs: ResultCode;
  invocationId: string;
  results: BatchResult[];
}

type BatchDeps = Pick<
  Deps,
  'configuration' | 'buckets' | 'clock' | 'invocation' | 'transfers' | 'serverSide'
>;

interface Task {
  taskId: string;
  bucket: string;
  key: string;
  versionId: string | null;
}

/** Throws `malformed-message` for what is no event of S3 Batch Operations: all its tasks then fail. */
export const answerBatch = async (event: unknown, deps: BatchDeps): Promise<BatchAnswer> => {
  const { invocationSchemaVersion, invocationId, tasks } = parseEvent(event);
  const results = await Promise.all(tasks.map((task) => carryOut(task, deps)));
  // A task that is left out of the answer must not pass for done.
  return { invocationSchemaVersion, treatMissingKeysAs: 'TemporaryFailure', invocationId, results };
};

const carryOut = async (
  task: Task | { taskId: string; why: string },
  deps: BatchDeps,
): Promise<BatchResult> => {
  const { taskId } = task;
  if ('why' in task) return { taskId, resultCode: 'PermanentFailure', resultString: task.why };
  try {
    return { taskId, resultCode: 'Succeeded', resultString: await replicate(task, deps) };
  } catch (thrown) {
    const error = asReplicationError(thrown);
    const isLasting = error.disposition === 'quarantine';
    return {
      taskId,
      resultCode: isLasting ? 'PermanentFailure' : 'TemporaryFailure',
      resultString: `${error.reason}: ${error.message}. ${reasonEntry(error.reason).fix}`.slice(
        0,
        LONGEST_RESULT,
      ),
    };
  }
};

const LONGEST_RESULT = 1_000;

/** The outcome at each destination, all of which must succeed. */
const replicate = async ({ bucket, key, versionId }: Task, deps: BatchDeps): Promise<string> => {
  const { configuration, clock, buckets } = deps;
  const hint = { ...HINT, bucket, key, versionId };
  const assignments = assign(configuration, hint);
  if (assignments.length === 0)
    throw new ReplicationError('unknown-rule', `no rule of this deployment wants this key of ${bucket}`);
  const outcomes: string[] = [];
  for (const { rule, destination } of assignments) {
    const startedMs = clock.now();
    if (startedMs >= deps.invocation.deadlineMs)
      throw new ReplicationError('out-of-time', 'the invocation is nearly over');
    const passedOver: PassedOver[] = [];
    const convergence = await converge(
      {
        rule,
        destination,
        key,
        versionId,
        expectedBytes: null,
        concern: 'content',
        absenceIsDeletion: false,
        byReplicator: null,
        onlyStamped: false,
        run: null,
      },
      {
        ...deps,
        source: buckets.source(rule),
        destination: buckets.destination(destination),
        passOver: async (version) => void passedOver.push(version),
      },
    );
    const [missing] = passedOver;
    if (missing !== undefined) {
      const why = `version ${missing.versionId} was passed over, newer ones are replicated`;
      throw new ReplicationError(missing.reason, why);
    }
    outcomes.push(`${destination.id}: ${outcomeText(receiptOf(convergence, startedMs, clock.now()))}`);
  }
  return outcomes.join(', ').slice(0, LONGEST_RESULT);
};

/** S3 does not wait for what takes longer than one invocation. */
const outcomeText = ({ outcome }: Receipt): string =>
  outcome === 'transferring' ? 'transferring (goes on after this job, see `transfers list`)' : outcome;

const HINT = {
  sizeBytes: null,
  kind: 'hint',
  identity: null,
  principalId: null,
  rule: null,
  destination: null,
  run: null,
} as const;

const parseEvent = (event: unknown) => {
  const { invocationSchemaVersion, invocationId, tasks } = asRecord(event);
  if (
    typeof invocationSchemaVersion !== 'string' ||
    typeof invocationId !== 'string' ||
    !Array.isArray(tasks)
  )
    throw new ReplicationError('malformed-message', 'not an event of S3 Batch Operations');
  return {
    invocationSchemaVersion,
    invocationId,
    tasks: tasks.map((task: unknown) => parseTask(asRecord(task))),
  };
};

/** Schema 2.0 names the bucket, schema 1.0 its ARN. The key is URL-encoded in both. */
const parseTask = ({
  taskId,
  s3Key,
  s3VersionId,
  s3Bucket,
  s3BucketArn,
}: JsonRecord): Task | { taskId: string; why: string } => {
  const id = String(taskId);
  const bucket =
    typeof s3Bucket === 'string' ? s3Bucket : String(s3BucketArn ?? '').replace(/^arn:[^:]*:s3:::/, '');
  if (typeof s3Key !== 'string' || bucket === '')
    return { taskId: id, why: 'the task names no bucket or no key' };
  const key = decodeFormKey(s3Key);
  return key === null
    ? { taskId: id, why: 'the key is not URL-encoded UTF-8' }
    : { taskId: id, bucket, key, versionId: textOrNull(s3VersionId) };
};

const asRecord = (value: unknown): JsonRecord => (isRecord(value) ? value : {});
