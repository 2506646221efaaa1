/**
 * Causes transfers, sweeps and copies inside S3, and observes the results. The loss of a permission changes the
 * observation.
 */
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { clientConfig } from '@s3-replicator/local-aws';
import { sourcePolicies } from '../../../../src/stack/source-policy.ts';
import { loadConfiguration } from '../../../../src/lib/configuration/configuration.ts';
import { sessionName } from '../../../../src/lib/hint/session-name.ts';
import { nameOf, reasonsOfRetries } from './event-battery.ts';
import { deployment, startPermissionStage } from './losses.ts';
import { atRest } from '../at-rest.ts';
import { openUploads, seen } from '../objects.ts';
import { watchRequests } from '../operations.ts';
import { deadLetters, purge } from '../queues.ts';
import { withTable } from './run-traces.ts';
import { messagesOf, PERMISSION_SECONDS, type Stage } from '../stages/stage.ts';
import { grantKey } from '../stages/transfers.ts';

const GIB = 1024 ** 3;
/** An object that is too large for a single copy request. S3 itself copies the parts, so no bytes pass through the function. */
const LARGE = { sizeBytes: 6 * GIB, partSizeBytes: 5 * GIB, seed: 5 };

/**
 * Starts the stage of all permission tests. In addition, the source account grants the permissions for copies inside S3, which
 * `config policy` prints.
 */
export const startCopyingStage = async (): Promise<Stage> => {
  const configuration = loadConfiguration(deployment.configuration);
  const policies = sourcePolicies(configuration, configuration.replication.rules);
  const stage = await startPermissionStage({
    destinationParameters: Object.fromEntries(
      policies.destinations.map(({ roleArn, parameters }) => [roleArn, parameters]),
    ),
  });
  for (const { bucket: Bucket, statements: Statement } of policies.buckets) {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await stage.source.s3().send(new PutBucketPolicyCommand({ Bucket, Policy }));
  }
  for (const { keyArn, statement } of policies.keys) grantKey(stage.aws, keyArn, [statement]);
  return stage;
};

export interface TransferObservation {
  /** Names of objects that were not replicated within a minute. */
  missing: string[];
  /** `<object>: <reason>` for each dead letter. */
  dead: string[];
  /** Reasons for retries. */
  retried: string[];
  /** Names of transfers that still have a record. */
  records: string[];
  /** Number of multipart uploads left open. */
  open: number;
  /** `<bucket>: <reason>` for each failure of a sweep that runs afterwards. */
  complaints: string[];
}

export const TRANSFERS_ARE_WELL: TransferObservation = {
  missing: [],
  dead: [],
  retried: [],
  records: [],
  open: 0,
  complaints: [],
};

/** Transfers one large object, from its event to its replica. The key contains `run`, as in all batteries. */
export const transferBattery = async (stage: Stage, run: string): Promise<TransferObservation> => {
  const firstLine = await clear(stage);
  const key = `${run}/large`;
  stage.aws.s3.createSparseObject({ bucket: 'bridged', key, ...LARGE });
  await rest(stage);
  const { payload } = await stage.aws.lambda.function(stage.names.transferFunction).run('{"sweep": true}');
  const { unreachable = [payload] }: { unreachable?: string[] } = JSON.parse(payload);
  const dead = (await deadLetters(stage)).map(({ body, attributes }) => nameOf(body, attributes, run));
  return {
    missing: await missingOf(stage, key),
    dead: [...new Set(dead)].toSorted(),
    retried: reasonsOfRetries(stage.logs.slice(firstLine).map(({ line }) => line)),
    records: await recordsOf(stage),
    open: (await openUploads(stage, 'plain-replica')).filter((each) => each.includes(run)).length,
    complaints: unreachable,
  };
};

export interface SweepObservation {
  /** Whether an upload that a function left behind is aborted a day later. */
  swept: boolean;
  complaints: string[];
  /** Number of scheduled events that could not be delivered. */
  undelivered: number;
}

export const SWEEPS_ARE_WELL: SweepObservation = { swept: true, complaints: [], undelivered: 0 };

/** Begins an upload and leaves it open, like a function that dies. Then waits for the scheduled sweep. */
export const sweepBattery = async (stage: Stage, run: string): Promise<SweepObservation> => {
  const { aws, names, logs } = stage;
  await clear(stage);
  const firstUndelivered = aws.events.failedInvocations.length;
  await leaveUpload(stage, `in/${run}/left`);
  const firstLine = logs.length;
  aws.clock.advance(25 * 3_600_000);
  const undelivered = (): number => aws.events.failedInvocations.length - firstUndelivered;
  const answers = (): string[] =>
    logs
      .slice(firstLine)
      .filter(({ functionName }) => functionName === names.transferFunction)
      .map(({ line }) => line)
      .filter((line) => /"message":"sweep"|Invoke Error/.test(line));
  const isSwept = async (): Promise<boolean> => undelivered() + answers().length > 0;
  await stage.waitUntil('the schedule has fired', isSwept, { timeoutMs: 150_000 });
  await rest(stage);
  return {
    swept: !(await openUploads(stage, 'replicas')).includes(`in/${run}/left`),
    complaints: answers().slice(0, 1).flatMap(complaintsIn),
    undelivered: undelivered(),
  };
};

const complaintsIn = (line: string): string[] => {
  const { unreachable, errorMessage }: { unreachable?: string[]; errorMessage?: string } = JSON.parse(
    line.slice(line.indexOf('{')),
  );
  return unreachable ?? [/not authorized to perform: (\S+)/.exec(errorMessage ?? '')?.[1] ?? line];
};

/** Begins an upload as a function would, with the destination's role and the session name of the functions. */
const leaveUpload = async ({ aws, names, configuration }: Stage, Key: string): Promise<void> => {
  const [destination] = configuration.replication.rules[0]?.destinations ?? [];
  const session = aws.iam.createSession(
    destination?.roleArn ?? '',
    sessionName(names.stack, configuration.deployment.region),
    900,
  );
  const s3 = new S3Client(clientConfig(aws, session.credentials));
  await s3.send(new CreateMultipartUploadCommand({ Bucket: 'replicas', Key }));
  s3.destroy();
};

export interface JobObservation {
  /**
   * Results of two tasks for the same large object. The first task begins a transfer. When the second task runs, all parts are
   * uploaded.
   */
  tasks: string[];
  /** Names of objects that are incomplete after the second task. */
  missing: string[];
  /** Names of transfers that still have a record. */
  records: string[];
}

export const JOBS_ARE_WELL: JobObservation = {
  tasks: ['Succeeded: transferring', 'Succeeded: replicated'],
  missing: [],
  records: [],
};

/**
 * Runs a job of S3 Batch Operations while the messages of the live queue are delayed. Neither the object's event nor the hint that
 * all parts are uploaded reaches a function.
 */
export const transferJobBattery = async (stage: Stage, run: string): Promise<JobObservation> => {
  await clear(stage);
  await delayLive(stage, 900);
  const key = `${run}/large`;
  stage.aws.s3.createSparseObject({ bucket: 'bridged', key, ...LARGE });
  const began = await task(stage, key);
  const queues = [messagesOf(stage.aws, stage.names.transferQueue)];
  await atRest(stage.aws, { queues, functions: [stage.names.transferFunction] }, { movedSeconds: 0 });
  const tasks = [began, await task(stage, key)];
  const seenThen = { tasks, missing: await missingOf(stage, key), records: await recordsOf(stage) };
  await delayLive(stage, 0);
  return seenThen;
};

const delayLive = async ({ source, liveQueueUrl: QueueUrl }: Stage, seconds: number): Promise<void> => {
  const Attributes = { DelaySeconds: String(seconds) };
  await source.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
};

/** Runs a task of a job. Returns `<result code>: <outcome or reason>`. */
const task = async ({ aws, names }: Stage, key: string): Promise<string> => {
  const tasks = [{ taskId: '1', s3Bucket: 'bridged', s3Key: encodeURIComponent(key), s3VersionId: null }];
  const event = { invocationSchemaVersion: '2.0', invocationId: key, job: { id: key }, tasks };
  const { payload } = await aws.lambda.function(names.batchFunction).run(JSON.stringify(event));
  const { results }: { results: { resultCode: string; resultString: string }[] } = JSON.parse(payload);
  const [{ resultCode, resultString } = { resultCode: payload, resultString: '' }] = results;
  const [, what] = /^(?:plain-replica: )?([\w-]+)/.exec(resultString) ?? [];
  return `${resultCode}: ${what ?? resultString}`;
};

export interface CopyObservation {
  /** Names of objects whose bytes passed through the function. */
  streamed: string[];
  /** Names of objects that were not replicated. */
  missing: string[];
}

export const COPIES_ARE_WELL: CopyObservation = { streamed: [], missing: [] };

/**
 * Replicates two small objects that S3 may copy: one from a versioned bucket with a KMS key, and one from a bucket without
 * versioning.
 */
export const copyBattery = async (stage: Stage, run: string): Promise<CopyObservation> => {
  const { aws, source, names } = stage;
  // A process of the function remembers for a while whether S3 was allowed to copy.
  await aws.lambda.killEnvironments(names.replicateFunction);
  await clear(stage);
  const requests = watchRequests(stage);
  const keys = { versioned: `in/${run}/versioned`, bridged: `${run}/bridged` };
  for (const [name, Key] of Object.entries(keys)) {
    const Bucket = name === 'bridged' ? 'bridged' : 'notified';
    await source.s3().send(new PutObjectCommand({ Bucket, Key, Body: name, Tagging: 'a=b' }));
  }
  await rest(stage);
  aws.faults.plan = undefined;
  await aws.lambda.killEnvironments(names.replicateFunction);
  const streamed = requests.flatMap((request) => /^s3:PutObject .*\/(\w+)$/.exec(request)?.[1] ?? []);
  const replicas = [
    ['versioned', 'replicas', keys.versioned],
    ['bridged', 'plain-replica', `bridged/${keys.bridged}`],
  ] as const;
  const missing: string[] = [];
  for (const [name, bucket, key] of replicas)
    if ((await seen(stage.destination.s3(), bucket, key)) === null) missing.push(name);
  return { streamed: streamed.toSorted(), missing };
};

/** Removes what earlier batteries left in queues, buckets and the table. Returns the index of the next log line. */
const clear = async (stage: Stage): Promise<number> => {
  purge(stage);
  for (const bucket of ['replicas', 'plain-replica']) await abortUploads(stage, bucket);
  messagesOf(stage.aws, stage.names.transferQueue).purge();
  for (const name of await idsIn(stage)) {
    const command = new DeleteCommand({ TableName: stage.names.transfersTable, Key: { transfer: name } });
    await withTable(stage, (client) => client.send(command));
  }
  return stage.logs.length;
};

const abortUploads = async ({ destination }: Stage, Bucket: string): Promise<void> => {
  const s3 = destination.s3();
  const { Uploads: uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of uploads)
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
};

/** Waits until the queues are empty and the functions are idle, but moves the clock of the local AWS by at most some minutes. */
const rest = async ({ aws, names, live }: Stage): Promise<boolean> => {
  const queues = [live, messagesOf(aws, names.transferQueue)];
  const functions = [names.replicateFunction, names.transferFunction];
  const patience = { movedSeconds: 2 * PERMISSION_SECONDS, firstStepSeconds: PERMISSION_SECONDS };
  return atRest(aws, { queues, functions }, patience);
};

const missingOf = async ({ destination }: Stage, key: string): Promise<string[]> => {
  const head = new HeadObjectCommand({ Bucket: 'plain-replica', Key: `bridged/${key}` });
  const none = { ContentLength: 0 };
  const { ContentLength: sizeBytes } = await destination
    .s3()
    .send(head)
    .catch(() => none);
  return sizeBytes === LARGE.sizeBytes ? [] : ['large'];
};

const recordsOf = async (stage: Stage): Promise<string[]> =>
  (await idsIn(stage)).map((id) => id.split('/').at(-1) ?? '').filter((id) => !id.includes('rate#'));

const idsIn = async (stage: Stage): Promise<string[]> => {
  const { Items: items = [] } = await withTable(stage, (client) =>
    client.send(new ScanCommand({ TableName: stage.names.transfersTable, ConsistentRead: true })),
  );
  return items.map(({ transfer }) => String(transfer));
};
