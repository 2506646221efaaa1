/** What transfers, their sweep and copies inside S3 look like in the end: the measure that missing permissions are judged by. */
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { clientConfig } from '@s3-replicator/local-aws';
import { sourcePolicies } from '../../../src/stack/source-policy.ts';
import { loadConfiguration } from '../../../src/lib/configuration/configuration.ts';
import { sessionName } from '../../../src/lib/hint/session-name.ts';
import { nameOf, reasonsOfRetries } from './battery.ts';
import { deployment, startPermissionStage } from './losses.ts';
import { openUploads, seen } from './objects.ts';
import { watchRequests } from './operations.ts';
import { deadLetters, purge } from './queues.ts';
import { withTable } from './run-permissions-traces.ts';
import { atRest, messagesOf, type Stage } from './stage.ts';
import { grantKey } from './transfers-stage.ts';

const GIB = 1024 ** 3;
/** More than one call may copy, in parts that S3 copies itself: not a byte is moved here. */
const LARGE = { sizeBytes: 6 * GIB, partSizeBytes: 5 * GIB, seed: 5 };

/** The stage of all tests of permissions, where the source account also lets S3 copy: as `config policy` prints it. */
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
  /** Not replicated within a minute. */
  missing: string[];
  /** `<what>: <reason>` for each dead letter. */
  dead: string[];
  /** Reasons for which something was tried again. */
  retried: string[];
  /** Transfers whose records are left. */
  records: string[];
  /** Multipart uploads left open. */
  open: number;
  /** What a sweep afterwards could not do: `<bucket>: <reason>`. */
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

/** One large object, from its event to its replica. It has a key of its own, named after `run`, as in all batteries. */
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
    retried: reasonsOfRetries(stage.logs.slice(firstLine).map(({ line }) => line)).filter(
      // Two ranges may fail at once, of which one waits until the other has told.
      (reason) => reason !== 'in-progress',
    ),
    records: await recordsOf(stage),
    open: (await openUploads(stage, 'plain-replica')).filter((each) => each.includes(run)).length,
    complaints: unreachable,
  };
};

export interface SweepObservation {
  /** Is an upload that was left behind aborted a day later? */
  swept: boolean;
  complaints: string[];
  /** Schedules that could not be followed. */
  undelivered: number;
}

export const SWEEPS_ARE_WELL: SweepObservation = { swept: true, complaints: [], undelivered: 0 };

/** An upload whose function died, and the schedule. */
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
  await stage.waitUntil('the schedule came', async () => undelivered() + answers().length > 0);
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

/** As the functions begin them. */
const leaveUpload = async ({ aws, names, configuration }: Stage, Key: string): Promise<void> => {
  const [destination] = configuration.replication.rules[0]?.destinations ?? [];
  const session = aws.iam.createSession(destination?.roleArn ?? '', sessionName(names.stack), 900);
  const s3 = new S3Client(clientConfig(aws, session.credentials));
  await s3.send(new CreateMultipartUploadCommand({ Bucket: 'replicas', Key }));
  s3.destroy();
};

export interface JobObservation {
  /** What two tasks for the same large object answered: the one that begins its transfer, and the one that finds all parts there. */
  tasks: string[];
  /** Whether all of it is there after the second, and nothing else. */
  missing: string[];
  records: string[];
}

export const JOBS_ARE_WELL: JobObservation = {
  tasks: ['Succeeded: transferring', 'Succeeded: replicated'],
  missing: [],
  records: [],
};

/** A job of S3 Batch Operations, while nobody reads the live queue: neither events nor the hint that all parts are there. */
export const transferJobBattery = async (stage: Stage, run: string): Promise<JobObservation> => {
  await clear(stage);
  await delayLive(stage, 900);
  const key = `${run}/large`;
  stage.aws.s3.createSparseObject({ bucket: 'bridged', key, ...LARGE });
  const began = await task(stage, key);
  const queue = messagesOf(stage.aws, stage.names.transferQueue);
  await atRest(stage.aws, [queue], [stage.names.transferFunction], 0);
  const tasks = [began, await task(stage, key)];
  const seenThen = { tasks, missing: await missingOf(stage, key), records: await recordsOf(stage) };
  await delayLive(stage, 0);
  return seenThen;
};

const delayLive = async ({ source, liveQueueUrl: QueueUrl }: Stage, seconds: number): Promise<void> => {
  const Attributes = { DelaySeconds: String(seconds) };
  await source.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
};

/** `<result code>: <outcome or reason>` */
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
  /** What passed through the function. */
  streamed: string[];
  missing: string[];
}

export const COPIES_ARE_WELL: CopyObservation = { streamed: [], missing: [] };

/** Small objects that S3 may copy, from a bucket with versions and a key, and from one without. */
export const copyBattery = async (stage: Stage, run: string): Promise<CopyObservation> => {
  const { aws, source, names } = stage;
  // What was refused is remembered for a while, as is what was not.
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

/** What earlier batteries left undone. Answers which line of the log is the next. */
const clear = async (stage: Stage): Promise<number> => {
  purge(stage);
  messagesOf(stage.aws, stage.names.transferQueue).purge();
  for (const name of await idsIn(stage)) {
    const command = new DeleteCommand({ TableName: stage.names.transfersTable, Key: { transfer: name } });
    await withTable(stage, (client) => client.send(command));
  }
  return stage.logs.length;
};

/** Until nothing is at work any more, or a minute has passed. */
const rest = async ({ aws, names, live }: Stage): Promise<boolean> => {
  const functions = [names.replicateFunction, names.transferFunction];
  return atRest(aws, [live, messagesOf(aws, names.transferQueue)], functions, 60);
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
