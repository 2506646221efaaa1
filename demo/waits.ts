/**
 * Waits for effects of the replicator. A condition is checked after every outcome that the replicate function reports, and at least ten
 * times a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { countsOf } from '../src/lib/aws/sqs/queue-counts.ts';
import type { Configuration } from '../src/lib/configuration/configuration.ts';
import type { Account } from './account.ts';
import type { Outcomes } from './outcome-lines.ts';
import { isReplicated, replicaPlaces } from './replica-places.ts';
import type { ObjectName } from './replica-places.ts';

export interface WaitOptions {
  /** How long to wait, milliseconds. Default: 60,000. */
  timeoutMs?: number;
  /** Aborting this signal ends the wait. The wait then rejects with the reason of the signal. */
  signal?: AbortSignal;
}

/** The numbers of messages in a queue. Real SQS reports these numbers approximately, but the local AWS reports them exactly. */
export interface QueueDepth {
  visible: number;
  inFlight: number;
  delayed: number;
}

export interface Waits {
  /** Waits until every destination of these objects holds their current versions. @throws Error that names the missing replicas */
  waitUntilReplicated(objects: ObjectName[], options?: WaitOptions): Promise<void>;
  /** Waits until no message in the live queue is visible, in flight or delayed. At that time, all work has either succeeded or failed. */
  waitUntilQuiet(options?: WaitOptions): Promise<void>;
  /** Waits until the dead-letter queue holds at least `count` messages. */
  waitUntilDeadLettered(count: number, options?: WaitOptions): Promise<void>;
  /** Waits until `condition` resolves to true. `what` completes the sentence "gave up waiting until …". */
  waitUntil(what: string, condition: () => Promise<boolean>, options?: WaitOptions): Promise<void>;
  queueDepth(queueUrl: string): Promise<QueueDepth>;
}

export const createWaits = (accounts: {
  configuration: Configuration;
  source: Account;
  destination: Account;
  liveQueueUrl: string;
  deadLetterQueueUrl: string;
  outcomes: Outcomes;
}): Waits => {
  const { source, liveQueueUrl, deadLetterQueueUrl, outcomes } = accounts;
  const queueDepth = (queueUrl: string): Promise<QueueDepth> => countsOf(source.sqs, queueUrl);
  const waitUntil: Waits['waitUntil'] = async (what, condition, { timeoutMs = 60_000, signal } = {}) => {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      // The wait for the next outcome begins before the check, so that an outcome during the check is not missed.
      const reported = outcomes.next();
      if (await condition()) return;
      if (Date.now() > deadlineMs) throw new Error(`gave up waiting until ${what} (${timeoutMs / 1000} s)`);
      await Promise.race([reported, sleep(100)]);
    }
  };
  return {
    queueDepth,
    waitUntil,
    async waitUntilReplicated(objects, options) {
      let missing = objects.flatMap((object) => {
        const places = replicaPlaces(accounts.configuration, object);
        if (places.length === 0) throw new Error(`no rule wants ${object.bucket}/${object.key}`);
        return places;
      });
      const areHeld = async (): Promise<boolean> => {
        const held = await Promise.all(missing.map((place) => isReplicated(accounts, place)));
        missing = missing.filter((_place, index) => held[index] === false);
        return missing.length === 0;
      };
      await waitUntil('everything is replicated', areHeld, options).catch((error: unknown) => {
        const names = missing.map(({ bucket, key }) => `${bucket}/${key}`);
        throw new Error(`${String(error)}; missing: ${names.join(', ')}`, { cause: error });
      });
    },
    async waitUntilQuiet(options) {
      const isQuiet = async (): Promise<boolean> => {
        const { visible, inFlight, delayed } = await queueDepth(liveQueueUrl);
        return visible + inFlight + delayed === 0;
      };
      await waitUntil('the live queue is empty', isQuiet, options);
    },
    async waitUntilDeadLettered(count, options) {
      const isThere = async (): Promise<boolean> => {
        const { visible, inFlight } = await queueDepth(deadLetterQueueUrl);
        return visible + inFlight >= count;
      };
      await waitUntil(`the dead-letter queue holds ${count} or more messages`, isThere, options);
    },
  };
};
