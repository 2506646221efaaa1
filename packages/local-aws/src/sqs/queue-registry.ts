import type { PolicyDocument } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { Faults } from '../core/fault.ts';
import { createPropagating } from '../core/propagation.ts';
import { AwsError } from '../front/aws-error.ts';
import { createMessageStore, type MessageStore } from './message-store.ts';
import { changeQueueAttributes, type KeepPolicy, type QueueAttributes } from './queue-attributes.ts';
import {
  invalidParameter,
  invalidParameterValue,
  queueDoesNotExist,
  simpleQueueError,
} from './sqs-errors.ts';

export interface Queue {
  arn: string;
  accountId: string;
  region: string;
  name: string;
  createdAtMs: number;
  modifiedAtMs: number;
  purgedAtMs: number;
  attributes: QueueAttributes;
  messages: MessageStore;
  isDeleted: boolean;
}

/** The account, region and name of a queue. */
export interface QueuePlace {
  accountId: string;
  region: string;
  name: string;
}

/** The queues of all accounts and regions. The functions check no permissions. */
export interface QueueRegistry {
  /** Creates a queue, or returns the existing queue of that name. Throws an error if an attribute of the existing queue differs. */
  create(place: QueuePlace, attributes: Readonly<Record<string, unknown>>): Queue;
  setAttributes(queue: Queue, changes: Readonly<Record<string, unknown>>): void;
  delete(queue: Queue): void;
  /** Returns the queue's policy as requests see it. A recent change may not have taken effect yet. */
  knownPolicy(queue: Queue): PolicyDocument | undefined;
  /** Returns a queue; `undefined` if it does not exist. */
  byArn(arn: string): Queue | undefined;
  byName(place: QueuePlace): Queue | undefined;
  /** Returns the queues of all accounts and regions. */
  all(): Queue[];
  /** Returns the queues of an account and region, sorted by name. */
  list(accountId: string, region: string): Queue[];
  /** Returns the queues whose redrive policy names this dead-letter queue. */
  sourcesOf(deadLetterQueue: Queue): Queue[];
}

/** How long, in milliseconds, the name of a deleted queue cannot be used again. */
const nameRestMs = 60_000;

export function createQueueRegistry(clock: Clock, faults: Readonly<Faults>, keep: KeepPolicy): QueueRegistry {
  const queues = new Map<string, Queue>();
  const deletedAtMs = new Map<string, number>();
  const policies = createPropagating<PolicyDocument | undefined>(clock, () => faults.propagation?.policyMs);

  const registry: QueueRegistry = {
    create(place, changes) {
      if (place.name.endsWith('.fifo') || !/^[\w-]{1,80}$/.test(place.name)) throw invalidName(place.name);
      const arn = arnOf(place);
      const known = queues.get(arn);
      if (known) return sameOrRefused(known, changes);
      if ((deletedAtMs.get(arn) ?? -Infinity) + nameRestMs > clock.now()) throw deletedRecently();
      const attributes = changeQueueAttributes(undefined, changes, keep);
      const now = clock.now();
      const queue: Queue = {
        ...place,
        arn,
        createdAtMs: now,
        modifiedAtMs: now,
        purgedAtMs: -Infinity,
        attributes,
        messages: createMessageStore(clock, () => queue.attributes.retentionMs),
        isDeleted: false,
      };
      refuseUnusableTarget(queue, attributes, registry);
      if (attributes.policy) policies.changing(arn, undefined);
      queues.set(arn, queue);
      return queue;
    },
    setAttributes(queue, changes) {
      const attributes = changeQueueAttributes(queue.attributes, changes, keep);
      if (changes.RedrivePolicy !== undefined) refuseUnusableTarget(queue, attributes, registry);
      if (changes.Policy !== undefined) policies.changing(queue.arn, queue.attributes.policy);
      queue.attributes = attributes;
      queue.modifiedAtMs = clock.now();
      queue.messages.wake();
    },
    delete(queue) {
      queue.isDeleted = true;
      queues.delete(queue.arn);
      policies.forget(queue.arn);
      deletedAtMs.set(queue.arn, clock.now());
      queue.messages.purge();
      queue.messages.wake();
    },
    knownPolicy: (queue) => policies.known(queue.arn, queue.attributes.policy),
    byArn: (arn) => queues.get(arn),
    byName: (place) => queues.get(arnOf(place)),
    all: () => [...queues.values()],
    list: (accountId, region) =>
      [...queues.values()]
        .filter((queue) => queue.accountId === accountId && queue.region === region)
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    sourcesOf: (target) =>
      [...queues.values()].filter(
        (queue) => queue.attributes.redrivePolicy?.deadLetterTargetArn === target.arn,
      ),
  };
  return registry;
}

export function arnOf({ accountId, region, name }: QueuePlace): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

/** Returns the queue. Throws QueueDoesNotExist if it is undefined. */
export function existing(queue: Queue | undefined): Queue {
  if (!queue) throw queueDoesNotExist();
  return queue;
}

function sameOrRefused(queue: Queue, wanted: Readonly<Record<string, unknown>>): Queue {
  const different = Object.keys(wanted).find((name) => queue.attributes.text[name] !== wanted[name]);
  if (different === undefined) return queue;
  throw new AwsError(
    'QueueNameExists',
    `A queue already exists with the same name and a different value for attribute ${different}`,
    { queryCode: 'QueueAlreadyExists' },
  );
}

/** Throws an error unless the dead-letter queue exists in the queue's account and region and accepts this queue as a source. */
function refuseUnusableTarget(queue: Queue, attributes: QueueAttributes, registry: QueueRegistry): void {
  const { redrivePolicy } = attributes;
  if (!redrivePolicy) return;
  const refuse = (reason: string): AwsError =>
    invalidParameter('RedrivePolicy', attributes.text.RedrivePolicy ?? '', reason);
  const target = registry.byArn(redrivePolicy.deadLetterTargetArn);
  if (!target) throw refuse('Dead letter target does not exist.');
  if (target === queue) throw refuse('Dead letter target must not be the queue itself.');
  if (target.accountId !== queue.accountId || target.region !== queue.region) {
    throw refuse('Dead-letter queue must be in same account and region as the source.');
  }
  const { redrivePermission, sourceQueueArns } = target.attributes.redriveAllowPolicy;
  const isAllowed =
    redrivePermission === 'allowAll' ||
    (redrivePermission === 'byQueue' && sourceQueueArns.includes(queue.arn));
  if (!isAllowed)
    throw refuse("The dead letter queue's RedriveAllowPolicy does not allow this source queue.");
}

function deletedRecently(): AwsError {
  return simpleQueueError(
    'QueueDeletedRecently',
    'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
  );
}

function invalidName(name: string): AwsError {
  if (name.endsWith('.fifo'))
    return new AwsError('NotImplemented', 'FIFO queues are not supported', { status: 501 });
  return invalidParameterValue(
    'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
  );
}
