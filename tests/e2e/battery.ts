/** One of everything the functions do, and what came of it: what the loss of a permission is judged by. */
import { randomBytes } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { clientConfig } from '../../local/client-config.ts';
import { openUploads, put, seen } from './objects.ts';
import { keyOf, operationOf } from './operations.ts';
import { deadLetters, purge, s3Record, send } from './queues.ts';
import { settled, type Stage } from './stage.ts';
import { putParts } from './uploads.ts';

export interface Observation {
  /** Which objects were not replicated within a minute. */
  missing: string[];
  /** `<what>: <reason>` for each dead letter. */
  dead: string[];
  /** Messages that are still in the live queue after a minute. */
  waiting: number;
  /** Reasons for which something was tried again. */
  retried: string[];
  /** Multipart uploads left open. */
  open: number;
  /** Events that EventBridge could deliver nowhere. */
  undelivered: number;
  /** Whether log lines and metrics reach CloudWatch. */
  logged: boolean;
  /** What can be reached without TLS. */
  withoutTls: string[];
}

/** What it looks like when nothing is missing. */
export const ALL_IS_WELL: Observation = {
  missing: [],
  dead: ['malformed: malformed-message'],
  waiting: 0,
  retried: ['lost-race'],
  open: 0,
  undelivered: 0,
  logged: true,
  withoutTls: [],
};

/** Each run has keys of its own, named after `run`. */
export const battery = async (stage: Stage, run: string): Promise<Observation> => {
  purge(stage);
  const firstLine = stage.logs.length;
  const firstMetric = stage.aws.lambda.metrics(stage.names.replicateFunction).length;
  const firstUndelivered = stage.aws.events.failedInvocations.length;
  injectFaults(stage, run);
  const objects = await upload(stage, run);
  // Twice the same event: the second is a duplicate.
  const gone = s3Record('notified', `in/${run}/gone`, { sequencer: '00A1' });
  await send(stage, { Records: [gone, gone] });
  await send(stage, 'malformed');
  const waiting = (await settled(stage, 60)) ? 0 : messagesIn(stage);
  stage.aws.faults.plan = undefined;
  const lines = stage.logs.slice(firstLine);
  return {
    missing: await missing(stage, objects),
    dead: (await deadLetters(stage)).map(({ body, attributes }) => nameOf(body, attributes, run)).toSorted(),
    waiting,
    retried: reasonsOfRetries(lines.map(({ line }) => line)),
    open: (await openUploads(stage, 'replicas')).filter((key) => key.includes(run)).length,
    undelivered: stage.aws.events.failedInvocations.length - firstUndelivered,
    logged:
      lines.every(({ delivered }) => delivered) &&
      stage.aws.lambda.metrics(stage.names.replicateFunction).length > firstMetric,
    withoutTls: await reachableWithoutTls(stage, run),
  };
};

/** What the names stand for: see {@link upload}. */
interface Uploaded {
  name: string;
  bucket: string;
  key: string;
  replicaKey: string;
}

const upload = async (stage: Stage, run: string): Promise<Uploaded[]> => {
  const notified = (name: string): Uploaded => {
    const key = `in/${run}/${name}`;
    return { name, bucket: 'notified', key, replicaKey: key };
  };
  const bridged = { name: 'bridged', bucket: 'bridged', key: `${run}/b`, replicaKey: `bridged/${run}/b` };
  const [small, overwrite, large, multipart, retried] = [
    notified('small'),
    notified('overwrite'),
    notified('large'),
    notified('multipart'),
    notified('retried'),
  ];
  const destination = stage.destination.s3();
  await destination.send(
    new PutObjectCommand({ Bucket: 'replicas', Key: overwrite.replicaKey, Body: 'before' }),
  );
  await put(stage, 'notified', small.key, 'small');
  await put(stage, 'notified', overwrite.key, 'after');
  // Larger than what is tried as new without a look at the destination.
  await put(stage, 'notified', large.key, randomBytes(4 * 1024 * 1024 + 1));
  await putParts(stage, 'notified', multipart.key, [randomBytes(10)]);
  await put(stage, 'notified', retried.key, 'retried');
  await put(stage, 'bridged', bridged.key, 'bridged');
  return [small, overwrite, large, multipart, retried, bridged];
};

/** One object cannot be read at first, so that its message is tried again; and one upload has to be aborted. */
const injectFaults = (stage: Stage, run: string): void => {
  const left = new Map([
    [`s3:GetObject in/${run}/retried`, 1],
    [`s3:CompleteMultipartUpload in/${run}/multipart`, 1],
  ]);
  stage.aws.faults.plan = (request) => {
    if (request.service !== 's3' || request.caller.kind !== 'session') return undefined;
    const call = `${operationOf(request)} ${keyOf(request)}`;
    const times = left.get(call) ?? 0;
    left.set(call, times - 1);
    return times > 0 ? { kind: 'error', status: 409, code: 'ConditionalRequestConflict' } : undefined;
  };
};

const messagesIn = (stage: Stage): number => {
  const { visible, delayed, inFlight } = stage.live.counts();
  return visible + delayed + inFlight;
};

const missing = async (stage: Stage, objects: Uploaded[]): Promise<string[]> => {
  const found = await Promise.all(
    objects.map(async ({ name, bucket, key, replicaKey }) => {
      const source = await seen(stage.source.s3(), bucket, key);
      const replica = await seen(stage.destination.s3(), 'replicas', replicaKey);
      return source?.sha256 === replica?.sha256 ? [] : [name];
    }),
  );
  return found.flat();
};

/** The last part of the key, or the body of what names none. */
const nameOf = (body: string, attributes: Record<string, string>, run: string): string => {
  const { key, reason = 'undelivered' } = attributes;
  const ofEvent = body.includes(`${run}/b"`) ? 'bridged' : body;
  const name = key === undefined ? ofEvent : decodeURIComponent(key).split('/').at(-1);
  return `${name === 'b' ? 'bridged' : name}: ${reason}`;
};

const reasonsOfRetries = (lines: string[]): string[] => {
  const reasons = lines
    .filter((line) => line.includes('"ending":"retry"'))
    .map((line) => /"reason":"([a-z-]+)"/.exec(line)?.[1] ?? '')
    // What a machine that stood still for seconds looks like to a client: nothing to do with permissions.
    .filter((reason) => reason !== 'connection-lost');
  return [...new Set(reasons)].toSorted();
};

/** Tried with all rights of the accounts: only a denial stands in the way. */
const reachableWithoutTls = async (stage: Stage, run: string): Promise<string[]> => {
  const root = clientConfig(stage.aws, stage.aws.root(SOURCE_ACCOUNT), { tls: false });
  const sqs = new SQSClient({ ...root, useQueueUrlAsEndpoint: false });
  const reachable: string[] = [];
  const attempt = async (name: string, call: Promise<unknown>): Promise<void> => {
    await call.then(
      () => reachable.push(name),
      () => undefined,
    );
  };
  const test = JSON.stringify({ Event: 's3:TestEvent' });
  for (const [name, QueueUrl] of [
    ['live queue', stage.liveQueueUrl],
    ['dead-letter queue', stage.deadLetterQueueUrl],
  ] as const) {
    await attempt(name, sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: test })));
  }
  const s3 = new S3Client(clientConfig(stage.aws, stage.aws.root(DESTINATION_ACCOUNT), { tls: false }));
  await attempt(
    'replicas',
    s3.send(new PutObjectCommand({ Bucket: 'replicas', Key: `plain/${run}`, Body: 'x' })),
  );
  sqs.destroy();
  s3.destroy();
  return reachable;
};
