/**
 * Causes events that make the functions do every kind of work, and observes the results. The loss of a permission changes the
 * observation.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  DeleteObjectCommand,
  GetObjectAclCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { canonicalUserId } from '@s3-replicator/local-aws/s3';
import { openUploads, seen } from '../objects.ts';
import { keyOf, operationOf } from '../operations.ts';
import { deadLetters, purge, s3Record, send } from '../queues.ts';
import { PERMISSION_SECONDS, settled, type Stage } from '../stages/stage.ts';
import { withTable } from './run-traces.ts';
import { reachableWithoutTls } from './without-tls.ts';

export interface Observation {
  /** Objects that were not replicated within a minute. */
  missing: string[];
  /** `<object>: <reason>` for each dead letter. */
  dead: string[];
  /** Number of messages that are still in the live queue and in the waiting queues at the end. */
  waiting: number;
  /** Reasons for retries. */
  retried: string[];
  /** Number of multipart uploads left open. */
  open: number;
  /** Number of events that EventBridge could not deliver, not even to a dead-letter queue. */
  undelivered: number;
  /** Whether log lines and metrics reach CloudWatch. */
  logged: boolean;
  /** Whether the topic's policy allows CloudWatch to publish alarms: `allowed` or `denied`. */
  alarms: string;
  /** Resources that can be reached without TLS. */
  withoutTls: string[];
}

/** The observation of a complete deployment. */
export const ALL_IS_WELL: Observation = {
  missing: [],
  dead: ['malformed: malformed-message'],
  waiting: 0,
  retried: [],
  open: 0,
  undelivered: 0,
  logged: true,
  alarms: 'allowed',
  withoutTls: [],
};

/**
 * Uploads and changes objects, and observes the results. The keys contain `run`, so that each call has its own keys. The message of one
 * object fails `failures` times.
 */
export const battery = async (stage: Stage, run: string, { failures = 0 } = {}): Promise<Observation> => {
  purge(stage);
  await closeCircuits(stage);
  const firstLine = stage.logs.length;
  const firstMetric = stage.aws.lambda.metrics(stage.names.replicateFunction).length;
  const undeliveredBefore = undeliveredEvents(stage);
  injectFaults(stage, run, failures);
  const names = await upload(stage, run);
  // The second record is a duplicate of the first.
  const gone = s3Record('notified', `in/${run}/gone`, { sequencer: '00A1' });
  await send(stage, { Records: [gone, gone] });
  await send(stage, 'malformed');
  const patience = failures > 1 ? ([180] as const) : ([2 * PERMISSION_SECONDS, PERMISSION_SECONDS] as const);
  const isEmpty = await settled(stage, ...patience);
  await change(stage, run);
  const waiting = (await settled(stage, ...patience)) && isEmpty ? 0 : messagesIn(stage);
  stage.aws.faults.plan = undefined;
  const lines = stage.logs.slice(firstLine);
  const dead = (await deadLetters(stage)).map(({ body, attributes }) => nameOf(body, attributes, run));
  return {
    missing: await missing(stage, run, names),
    // Several changes of the same object may each end in a dead letter, so equal lines are counted once.
    dead: [...new Set(dead)].toSorted(),
    waiting,
    retried: reasonsOfRetries(lines.map(({ line }) => line)),
    open: (await openUploads(stage, 'replicas')).filter((key) => key.includes(run)).length,
    undelivered: undeliveredEvents(stage) - undeliveredBefore,
    logged:
      lines.every(({ delivered }) => delivered) &&
      stage.aws.lambda.metrics(stage.names.replicateFunction).length > firstMetric,
    alarms: alarmsMayBePublished(stage),
    withoutTls: await reachableWithoutTls(stage, run),
  };
};

/** Closes all circuits. An earlier battery without a permission may have left destinations that are avoided. */
const closeCircuits = (stage: Stage): Promise<unknown> =>
  withTable(stage, (client) =>
    client.send(new DeleteCommand({ TableName: stage.names.table, Key: { id: 'circuits' } })),
  );

interface Where {
  Bucket: string;
  Key: string;
  /** Bucket and key of the replica. */
  replica: readonly [string, string];
}

export const where = (run: string, name: string): Where =>
  name === 'bridged'
    ? { Bucket: 'bridged', Key: `${run}/b`, replica: ['plain-replica', `bridged/${run}/b`] }
    : { Bucket: 'notified', Key: `in/${run}/${name}`, replica: ['replicas', `in/${run}/${name}`] };

/**
 * Writes one object for each kind of work, and returns the objects' names. `withLarge` adds objects that need several parts or
 * reads.
 */
export const upload = async (stage: Stage, run: string, withLarge = true): Promise<string[]> => {
  const names: string[] = [];
  const put = async (name: string, Body: string | Buffer, options: Partial<PutObjectCommandInput> = {}) => {
    const { Bucket, Key } = where(run, name);
    const command = new PutObjectCommand({ Bucket, Key, Body, ChecksumAlgorithm: 'CRC32', ...options });
    await stage.source.s3().send(command);
    names.push(name);
  };
  const [Bucket, Key] = where(run, 'overwrite').replica;
  const foreign = new PutObjectCommand({
    Bucket,
    Key,
    Body: 'before',
    ChecksumAlgorithm: 'CRC32',
  });
  await stage.destination.s3().send(foreign);
  await put('small', 'small');
  await put('overwrite', 'after');
  if (withLarge) {
    // This object is larger than a single read.
    await put('large', randomBytes(4 * 1024 * 1024 + 1));
    await stage.putParts('notified', where(run, 'multipart').Key, [randomBytes(10)]);
    names.push('multipart');
  }
  await put('retried', 'retried');
  await put('tagged', 'tagged', { Tagging: 'a=b' });
  await put('retagged', 'retagged', { Tagging: 'a=b' });
  const ObjectLockRetainUntilDate = new Date(stage.aws.clock.now() + 24 * 3_600_000);
  await put('retained', 'retained', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate });
  await put('held', 'held', { ObjectLockLegalHoldStatus: 'ON' });
  await put('granted', 'granted', { GrantRead: `id="${FRIEND}"` });
  await put('deleted', 'deleted');
  await put('archived', 'archived', { StorageClass: 'GLACIER' });
  await put('bridged', 'bridged', { Tagging: 'a=b', GrantRead: `id="${FRIEND}"` });
  return names;
};

const FRIEND = canonicalUserId('333333333333');

/** Changes objects that are already replicated. */
const change = async (stage: Stage, run: string): Promise<void> => {
  const s3 = stage.source.s3();
  for (const name of ['retagged', 'bridged']) {
    const { Bucket, Key } = where(run, name);
    const Tagging = { TagSet: [{ Key: 'a', Value: 'changed' }] };
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging }));
  }
  const { Bucket, Key } = where(run, 'deleted');
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
};

/**
 * Makes the first reads of one object fail, so that its message is sent again. Makes the completion of one upload fail, so that the
 * function has to abort the upload.
 */
const injectFaults = (stage: Stage, run: string, failures: number): void => {
  const read = `s3:GetObject in/${run}/retried`;
  const complete = `s3:CompleteMultipartUpload in/${run}/multipart`;
  const errors: Record<string, { status: number; code: string }> = {
    [read]: { status: 500, code: 'InternalError' },
    [complete]: { status: 409, code: 'ConditionalRequestConflict' },
  };
  // One invocation tries a read four times before it leaves further attempts to the queue.
  const left = new Map([
    [read, failures * 4],
    [complete, 1],
  ]);
  stage.aws.faults.plan = (request) => {
    if (request.service !== 's3' || request.caller.kind !== 'session') return undefined;
    const call = `${operationOf(request)} ${keyOf(request)}`;
    const times = left.get(call) ?? 0;
    left.set(call, times - 1);
    return times > 0 ? { kind: 'error', status: 500, code: 'InternalError', ...errors[call] } : undefined;
  };
};

/**
 * Counts events of buckets that EventBridge could not deliver. The functions' schedules are rules of EventBridge as well, but carry no such
 * events.
 */
const undeliveredEvents = ({ aws }: Stage): number =>
  aws.events.failedInvocations.filter(({ ruleArn }) => !ruleArn.includes('Schedule')).length;

const messagesIn = ({ live, waiting }: Stage): number =>
  [live, ...waiting]
    .map((queue) => queue.counts())
    .reduce((sum, { visible, delayed, inFlight }) => sum + visible + delayed + inFlight, 0);

/**
 * Returns the names of the objects that differ from their replicas. The archived object cannot have a replica. Its name is
 * returned if its restore was not requested.
 */
export const missing = async (stage: Stage, run: string, names: string[]): Promise<string[]> => {
  const found = await Promise.all(
    names.map(async (name) => {
      const { Bucket, Key, replica: place } = where(run, name);
      const source = await described(stage.source.s3(), Bucket, Key);
      if (name === 'archived') return source.restored ? [] : [name];
      const replica = await described(stage.destination.s3(), ...place);
      return isDeepStrictEqual(source, replica) ? [] : [name];
    }),
  );
  return found.flat();
};

/** Reads everything that is compared: the hash of the bytes, lock, tags and grants, and whether a restore was requested. */
const described = async (client: S3Client, Bucket: string, Key: string) => {
  const or =
    <T>(none: T) =>
    () =>
      none;
  const { Restore } = await client
    .send(new HeadObjectCommand({ Bucket, Key }))
    .catch(or({ Restore: undefined }));
  const object = await seen(client, Bucket, Key).catch(or(null));
  const { TagSet: tags = [] } = await client
    .send(new GetObjectTaggingCommand({ Bucket, Key }))
    .catch(or({ TagSet: [] }));
  const { Grants: grants = [] } = await client
    .send(new GetObjectAclCommand({ Bucket, Key }))
    .catch(or({ Grants: [] }));
  return {
    sha256: object?.sha256,
    mode: object?.ObjectLockMode,
    until: object?.ObjectLockRetainUntilDate,
    hold: object?.ObjectLockLegalHoldStatus,
    tags,
    grants: grants.filter(({ Permission }) => Permission !== 'FULL_CONTROL'),
    restored: Restore !== undefined,
  };
};

/**
 * Returns `<name>: <reason>` for a dead letter. The name is the last part of the letter's key. A letter without a key is named
 * after its body.
 */
export const nameOf = (body: string, attributes: Record<string, string>, run: string): string => {
  const { key, reason = 'undelivered' } = attributes;
  const ofEvent = body.includes(`${run}/b"`) ? 'bridged' : body;
  const name = key === undefined ? ofEvent : decodeURIComponent(key).split('/').at(-1);
  return `${name === 'b' ? 'bridged' : name}: ${reason}`;
};

/** Returns the reasons for retries in these log lines of the functions. */
export const reasonsOfRetries = (lines: string[]): string[] => {
  const reasonsOf = (ending: string): string[] =>
    lines
      .filter((line) => line.includes(`"ending":"${ending}"`))
      .map((line) => /"reason":"([a-z-]+)"/.exec(line)?.[1] ?? '');
  // These reasons are left out. A refused permission is retried before the message is quarantined. A client loses its connection when a
  // busy machine pauses for seconds. Two messages about the same change may be delivered at the same time.
  const others = new Set([...reasonsOf('quarantine'), 'connection-lost', 'in-progress']);
  return [...new Set(reasonsOf('retry'))].filter((reason) => !others.has(reason)).toSorted();
};

/** The tests cause no alarm. Instead, the policy of the alarm topic is evaluated. */
const alarmsMayBePublished = ({ aws, names }: Stage): string =>
  aws.sns.mayPublish({
    topicArn: `arn:aws:sns:us-east-1:${SOURCE_ACCOUNT}:${names.alarmTopic}`,
    service: 'cloudwatch.amazonaws.com',
    sourceArn: `arn:aws:cloudwatch:us-east-1:${SOURCE_ACCOUNT}:alarm:${names.stack}-dead-letters`,
    sourceAccount: SOURCE_ACCOUNT,
  });
