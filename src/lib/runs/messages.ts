/** Processes the messages of the queue of ranges, and decides how a failure affects the run. */
import { countOrNull, recordIn } from '../model/json.ts';
import { retryDelaySeconds } from '../delivery/backoff.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { newerThanKnown } from '../model/schemas.ts';
import type { QueueMessage } from '../delivery/deps.ts';
import { advance, failRun, mayBeGrantedToRun } from './phases.ts';
import type { RangesQueue, RunDeps, RunMessage } from './ports.ts';
import { compareRange } from './compare-range.ts';

/**
 * Maximum number of deliveries of a message. If the last delivery fails, even a failure that should be temporary counts as
 * permanent.
 */
const MAX_DELIVERIES = 8;

export interface RunWork {
  deps: RunDeps;
  ranges: RangesQueue;
  log: { info(message: string, fields: object): void; warn(message: string, fields: object): void };
}

/** Processes a batch and returns the ids of the messages that must be delivered again. Never throws. */
export const workOnBatch = async (
  messages: readonly QueueMessage[],
  { deps, ranges, log }: RunWork,
): Promise<{ failed: string[] }> => {
  const failed = await Promise.all(
    messages.map(async (message) => {
      const { messageId, body, receiveCount } = message;
      const parsed = parseRunMessage(body);
      if (parsed === null) {
        log.warn('not a message of a run', { messageId });
        return [messageId];
      }
      try {
        if (parsed instanceof ReplicationError) throw parsed;
        await workOnMessage(parsed, receiveCount, deps);
        log.info('range', { ...parsed, receiveCount });
        return [];
      } catch (error) {
        const { reason, message: detail } = asReplicationError(error);
        log.warn('retry', {
          ...(parsed instanceof ReplicationError ? {} : parsed),
          receiveCount,
          reason,
          detail,
        });
        if (reason === 'newer-release' && (await isSentLater(body, ranges))) return [];
        // If the delay cannot be set, the message returns later, after the queue's own visibility timeout.
        await ranges
          .retryLater(message, retryDelaySeconds(receiveCount, deps.random()))
          .catch(() => undefined);
        return [messageId];
      }
    }),
  );
  return { failed: failed.flat() };
};

/** Processes one message. Throws failures for which a later retry may help. Any other failure makes the run fail. */
export const workOnMessage = async (
  message: RunMessage,
  receiveCount: number,
  deps: RunDeps,
): Promise<void> => {
  try {
    if ((await compareRange(message, deps)) === 'ended') await advance(message.run, deps);
  } catch (thrown) {
    const error = asReplicationError(thrown);
    if (error.reason === 'newer-release') throw error;
    const mayPass = error.disposition === 'retry' || (await mayBeGrantedToRun(message.run, error, deps));
    if (mayPass && receiveCount < MAX_DELIVERIES) throw error;
    await failRun(message.run, error, deps);
  }
};

/** Sends the message again, so that it uses up no delivery. Resolves to false if SQS did not accept it. */
const isSentLater = (body: string, ranges: RangesQueue): Promise<boolean> =>
  ranges.sendLater(body).then(
    () => true,
    () => false,
  );

/** Parses the body of a message. Returns null if the body is not a message of a run. */
export const parseRunMessage = (body: string): RunMessage | ReplicationError | null => {
  const { v, run, epoch, from, hops, fruitless } = recordIn(body);
  const newer = newerThanKnown('range', v);
  if (newer !== null) return newer;
  if (typeof run !== 'string' || typeof epoch !== 'number' || typeof from !== 'string') return null;
  return { run, epoch, from, hops: countOrNull(hops) ?? 0, fruitless: countOrNull(fruitless) ?? 0 };
};
