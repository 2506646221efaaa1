/** Processes the messages of the queue of ranges, and decides how a failure affects the run. */
import { recordIn } from '../model/json.ts';
import { retryDelaySeconds } from '../delivery/backoff.ts';
import { asReplicationError, type ReplicationError } from '../model/errors.ts';
import type { LiveQueue, QueueMessage } from '../delivery/deps.ts';
import { advance } from './phases.ts';
import type { RunDeps, RunMessage } from './ports.ts';
import { compareRange } from './compare-range.ts';
import { isActive } from './run.ts';
import { tick } from './heartbeat.ts';

/**
 * Maximum number of deliveries of a message. If the last delivery fails, even a failure that should be temporary counts as
 * permanent.
 */
const MAX_DELIVERIES = 8;

export interface RunWork {
  deps: RunDeps;
  ranges: Pick<LiveQueue, 'retryLater'>;
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
        await workOnMessage(parsed, receiveCount, deps);
        log.info(parsed.kind, { ...parsed, receiveCount });
        return [];
      } catch (error) {
        const { reason, message: detail } = asReplicationError(error);
        log.warn('retry', { ...parsed, receiveCount, reason, detail });
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
    if (message.kind === 'tick') await tick(message, deps);
    else if ((await compareRange(message, deps)) === 'ended') await advance(message.run, deps);
  } catch (thrown) {
    const error = asReplicationError(thrown);
    if (error.disposition === 'retry' && receiveCount < MAX_DELIVERIES) throw error;
    await failRun(message.run, error, deps);
  }
};

/**
 * Makes the run fail. If a bucket cannot be listed, nothing is known about its contents, so the run stops until a person has
 * fixed the cause.
 */
const failRun = async (id: string, error: ReplicationError, deps: RunDeps): Promise<void> => {
  const { reason, message: detail } = error;
  for (;;) {
    const run = await deps.store.load(id);
    if (run === null || !isActive(run)) break;
    const failed = { phase: 'failed', failure: { reason, detail }, endedMs: deps.clock.now() } as const;
    if (await deps.store.change(run, { ...failed, announced: false })) break;
  }
  await advance(id, deps);
};

/** Parses the body of a message. Returns null if the body is not a message of a run. */
const parseRunMessage = (body: string): RunMessage | null => {
  const json = recordIn(body);
  const { run, epoch, from, tick: nonce } = json;
  if (typeof run !== 'string') return null;
  if (typeof nonce === 'string') return { kind: 'tick', run, tick: nonce };
  if (typeof epoch === 'number' && typeof from === 'string') return { kind: 'range', run, epoch, from };
  return null;
};
