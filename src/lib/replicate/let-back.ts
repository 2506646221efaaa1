/**
 * The schedule of the waiting queues. Once a minute it lets the waiting messages back to the queues that they came from, at a
 * limited rate, so that they do not delay the messages of other destinations.
 */
import type { Deps } from '../delivery/deps.ts';
import { attempted, reportFailure } from '../delivery/settle.ts';
import { mapConcurrently } from '../model/concurrency.ts';
import { asReplicationError } from '../model/errors.ts';
import { type RuleDestination, ruleDestinations } from '../model/rule.ts';

/** What the schedule did for one destination. */
export interface LetBack {
  rule: string;
  destination: string;
  messages: number;
}

/** How long the schedule works at most, so that it ends before it runs again. */
const WORK_MS = 50_000;
/** How many destinations are worked on at once. */
const DESTINATIONS_AT_ONCE = 16;
/** How many batches of one destination are moved at once. */
const BATCHES_AT_ONCE = 8;
/** Maximum number of messages of one destination that are let back in a second. */
const MESSAGES_PER_SECOND = 500;
/** How many messages SQS receives at once. */
const BATCH_MESSAGES = 10;

/** Returns true if the event comes from the schedule. */
export const isLettingBack = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'waiting' in event;

/** Lets back what waits for each destination. Resolves to the destinations for which messages waited. Never throws. */
export const letBackAll = async (deps: Deps): Promise<LetBack[]> => {
  const untilMs = Math.min(deps.clock.now() + WORK_MS, deps.invocation.deadlineMs);
  const done = await mapConcurrently(
    ruleDestinations(deps.configuration),
    DESTINATIONS_AT_ONCE,
    async (where) => {
      const messages = await letBackOne(where, untilMs, deps);
      return { rule: where.rule.id, destination: where.destination.id, messages };
    },
  );
  await deps.runs.flush();
  return done.filter(({ messages }) => messages > 0);
};

const letBackOne = async (where: RuleDestination, untilMs: number, deps: Deps): Promise<number> => {
  let count = 0;
  const move = async (): Promise<boolean> => {
    const messages = await deps.waiting.receive(where);
    if (messages.length === 0) return false;
    count += await deps.waiting.letBack(where, messages);
    return true;
  };
  const work = async (): Promise<void> => {
    while (deps.clock.now() < untilMs) {
      const beganMs = deps.clock.now();
      if (!(await move())) return;
      await deps.clock.sleep(Math.max(0, beganMs + BATCH_MS - deps.clock.now()));
    }
  };
  try {
    // Most queues are empty. The first batch is therefore moved alone.
    if (await move()) await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, work));
  } catch (error) {
    reportFailure('retry', { error: asReplicationError(error), assignment: null }, attempted(1), deps);
  }
  return count;
};

/** How long a batch takes at least, so that all batches together keep the rate. */
const BATCH_MS = (BATCHES_AT_ONCE * BATCH_MESSAGES * 1_000) / MESSAGES_PER_SECOND;
