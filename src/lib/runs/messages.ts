/** What is done with one message of the queue of ranges, and what a failure means for its run. */
import { recordIn } from '../model/json.ts';
import { retryDelaySeconds } from '../delivery/backoff.ts';
import { asReplicationError, type ReplicationError } from '../model/errors.ts';
import type { LiveQueue, QueueMessage } from '../delivery/deps.ts';
import { advance } from './phases.ts';
import type { RunDeps, RunMessage } from './ports.ts';
import { compareRange } from './compare-range.ts';
import { isActive } from './run.ts';
import { tick } from './heartbeat.ts';

/** Deliveries after which a failure that should pass is taken for one that does not. */
const MAX_DELIVERIES = 8;

export interface RunWork {
  deps: RunDeps;
  ranges: Pick<LiveQueue, 'retryLater'>;
  log: { info(message: string, fields: object): void; warn(message: string, fields: object): void };
}

/** Answers the ids of messages that must come again. Never throws. */
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
        // Where the delay cannot be set, the queue's own visibility timeout brings it back, only later.
        await ranges
          .retryLater(message, retryDelaySeconds(receiveCount, deps.random()))
          .catch(() => undefined);
        return [messageId];
      }
    }),
  );
  return { failed: failed.flat() };
};

/** Throws what is worth another try, later. Whatever else fails, the run fails with it. */
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

/** A bucket that cannot be listed says nothing about what is in it: the run stops until a person has seen to it. */
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

/** Of the body of a message. Null: it is none of ours. */
const parseRunMessage = (body: string): RunMessage | null => {
  const json = recordIn(body);
  const { run, epoch, from, tick: nonce } = json;
  if (typeof run !== 'string') return null;
  if (typeof nonce === 'string') return { kind: 'tick', run, tick: nonce };
  if (typeof epoch === 'number' && typeof from === 'string') return { kind: 'range', run, epoch, from };
  return null;
};
