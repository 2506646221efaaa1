/** Rules, invocations and event bodies for tests. */
import type { Invocation } from '../../src/lib/model/ports.ts';
import type { ReplicationConfiguration, ReplicationRule, RoleDestination } from '../../src/lib/model/rule.ts';
import { NO_LIMITS } from '../../src/lib/model/run-limits.ts';
import { createTask, type Task } from '../../src/lib/model/task.ts';

export const testDestination = (fields: Partial<RoleDestination> = {}): RoleDestination => ({
  id: 'replica',
  bucket: 'replica',
  region: 'eu-central-1',
  roleArn: 'arn:aws:iam::222222222222:role/replication',
  externalId: 'external-id',
  account: '222222222222',
  service: null,
  prefix: null,
  storageClass: null,
  minimumStorageClass: null,
  encryption: null,
  kmsKeyArn: null,
  objectLock: 'replicate',
  maxRetentionDays: 3_650,
  overMaxRetention: 'cap',
  ...fields,
});

export const testRule = (fields: Partial<ReplicationRule> = {}): ReplicationRule => ({
  id: 'rule',
  source: {
    bucket: 'source',
    prefix: '',
    suffix: '',
    events: 's3',
    region: null,
    service: null,
    roleArn: null,
    externalId: null,
    replicators: [],
    account: null,
  },
  filter: { tags: {}, minimumBytes: null, maximumBytes: null },
  exclude: [],
  destinations: [testDestination()],
  versions: 'latest',
  deletes: 'ignore',
  copy: 'stream',
  stamp: true,
  replicas: 'ignore',
  tags: 'replicate',
  acl: 'ignore',
  announce: 'none',
  restore: null,
  brake: null,
  verify: null,
  limits: NO_LIMITS,
  ...fields,
});

/** Returns the task for the key `k`. By default, it is the task of a hint that names only the key. */
export const testTask = ({
  rule = testRule(),
  destination = testDestination(),
  ...known
}: Partial<Task> = {}): Task => createTask({ rule, destination, key: 'k' }, known);

export const testConfiguration = (...rules: ReplicationRule[]): ReplicationConfiguration => ({
  name: 'test',
  rules: rules.length === 0 ? [testRule()] : rules,
});

/** Returns an S3 event notification in the form in which SQS delivers it. */
export const s3Event = (event: {
  bucket?: string;
  key: string;
  versionId?: string | null;
  sequencer?: string;
  sizeBytes?: number;
  /** The name of the event. The default is `ObjectCreated:Put`. */
  name?: string;
  /** The principal who wrote the object. The default is a user. Null if the event names no principal. */
  principalId?: string | null;
}): string =>
  JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        eventName: event.name ?? 'ObjectCreated:Put',
        userIdentity:
          event.principalId === null ? {} : { principalId: event.principalId ?? 'AWS:AIDAEXAMPLE' },
        responseElements: { 'x-amz-request-id': `request-${event.sequencer ?? ''}` },
        s3: {
          bucket: { name: event.bucket ?? 'source' },
          object: {
            key: encodeURIComponent(event.key).replaceAll('%20', '+'),
            size: event.sizeBytes ?? 1,
            ...(event.versionId ? { versionId: event.versionId } : {}),
            ...(event.sequencer === undefined ? {} : { sequencer: event.sequencer }),
          },
        },
      },
    ],
  });

/** Returns an invocation that has fifteen minutes from time 0 on. */
export const testInvocation = (fields: Partial<Invocation> = {}): Invocation => ({
  requestId: 'r',
  deadlineMs: 900_000,
  fullTimeMs: 900_000,
  bytesUnderWay: 0,
  heldBytes: 0,
  ...fields,
});
