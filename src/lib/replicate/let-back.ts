/**
 * The schedule of the waiting queues. Once a minute it moves waiting messages back to the queues that they came from. The rate is
 * limited, so that the messages of other destinations are not delayed. If the circuit of a destination is open, the schedule first
 * processes one of the waiting messages itself. If this message causes a successful write to the destination, the circuit closes.
 */
import { MAX_WAITING_MS } from '../delivery/backoff.ts';
import { BATCH_MESSAGES, BATCHES_AT_ONCE, letBackBatch } from '../delivery/let-back-batch.ts';
import { type Circuits, FRESH_MS, type OpenCircuit } from '../delivery/circuits.ts';
import type { LiveQueue, TransferDeps } from '../delivery/deps.ts';
import { attempted, blank, reportFailure } from '../delivery/failure.ts';
import { mapConcurrently } from '../model/concurrency.ts';
import { asReplicationError } from '../model/errors.ts';
import { type RuleDestination, ruleDestinations } from '../model/rule.ts';
import { transferBatch } from '../transfer/transfer-batch.ts';
import { replicateBatch } from './replicate-batch.ts';

/** The result of the schedule for one destination. */
export interface LetBack {
  rule: string;
  destination: string;
  messages: number;
  /** Why the destination is avoided; null: the destination is not avoided. */
  avoided: string | null;
}

/** How long the schedule works at most, so that it ends before it runs again. */
const WORK_MS = 50_000;
const DESTINATIONS_AT_ONCE = 64;
/** Maximum number of messages of one destination that are moved back in a second. */
const MESSAGES_PER_SECOND = 500;
/** Maximum number of visible messages in the live queue. While the queue has more, no message is moved back. */
const LIVE_MESSAGES = 1_000;
/** How long a count of the messages in the live queue is reused. */
const ROOM_MS = 1_000;
/** Maximum number of messages that are processed to find out whether a destination accepts writes. */
const PROBES = 10;
/** How long a circuit must be open before the schedule searches for messages that have waited too long. */
const LONG_OPEN_MS = MAX_WAITING_MS - 24 * 3_600_000;

/** Returns true if the event comes from the schedule. */
export const isLettingBack = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'waiting' in event;

/**
 * Moves the waiting messages of each destination back. Resolves to the destinations for which something was done. Never throws.
 */
export const letBackAll = async (deps: TransferDeps): Promise<LetBack[]> => {
  const beganMs = deps.clock.now();
  const untilMs = Math.min(beganMs + WORK_MS, deps.invocation.deadlineMs);
  const hasRoom = createRoom(deps);
  const done = await mapConcurrently(ruleDestinations(deps.configuration), DESTINATIONS_AT_ONCE, (where) =>
    tend(where, { beganMs, untilMs, hasRoom }, deps),
  );
  await deps.circuits.tidy();
  await Promise.all([deps.runs.flush(), deps.circuits.flush(), deps.brake.flush()]);
  return done.filter(({ messages, avoided }) => messages > 0 || avoided !== null);
};

interface Limits {
  beganMs: number;
  untilMs: number;
  /** Resolves to false if the live queue is so long that its messages would be delayed. */
  hasRoom(): Promise<boolean>;
}

const tend = async (where: RuleDestination, limits: Limits, deps: TransferDeps): Promise<LetBack> => {
  const { rule, destination } = where;
  const done = { rule: rule.id, destination: destination.id, messages: 0, avoided: null };
  try {
    await reportPaused(where, deps);
    const open = await deps.circuits.stateOf(destination);
    if (open !== null && !(await isBack(where, limits, deps))) {
      reportAvoided(where, open, deps);
      return { ...done, messages: await letBackOld(where, open, deps), avoided: open.reason };
    }
    // Some functions have read the record of the open circuit a moment ago. They would send the messages back to the waiting queue.
    if (open !== null) await deps.clock.sleep(FRESH_MS);
    return { ...done, messages: await letBack(where, limits, deps) };
  } catch (error) {
    reportFailure('retry', { error: asReplicationError(error), assignment: null }, attempted(1), deps);
    return done;
  }
};

const letBack = async (where: RuleDestination, limits: Limits, deps: TransferDeps): Promise<number> => {
  const { clock, waiting, circuits } = deps;
  let count = 0;
  const move = async (): Promise<boolean> => {
    const sent = await letBackBatch(where, waiting, limits.beganMs);
    count += sent ?? 0;
    return sent !== null;
  };
  const work = async (): Promise<void> => {
    while (clock.now() < limits.untilMs && (await circuits.stateOf(where.destination)) === null) {
      const beganMs = clock.now();
      if (!(await limits.hasRoom())) await clock.sleep(ROOM_MS);
      else if (!(await move())) return;
      else await clock.sleep(Math.max(0, beganMs + BATCH_MS - clock.now()));
    }
  };
  // Most queues are empty. The first batch is therefore moved alone.
  if (await move()) await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, work));
  return count;
};

/** How long a batch takes at least, so that all batches together keep the rate. */
const BATCH_MS = (BATCHES_AT_ONCE * BATCH_MESSAGES * 1_000) / MESSAGES_PER_SECOND;

/**
 * Processes waiting messages until one of them shows the state of the destination. A message that writes to the destination
 * closes the circuit. A message that fails because of the destination leaves the circuit open. Any other message ends as usual,
 * and shows nothing.
 */
const isBack = async (where: RuleDestination, { untilMs }: Limits, deps: TransferDeps): Promise<boolean> => {
  for (let probes = 0; probes < PROBES && deps.clock.now() < untilMs; probes += 1) {
    const [message] = await deps.waiting.receive(where, 1);
    if (message === undefined) return false;
    const probe = probing(deps.circuits);
    const carryOut = message.origin === 'transfer' ? transferBatch : replicateBatch;
    const { failed } = await carryOut([message], { ...deps, circuits: probe.circuits, liveQueue: NOT_LIVE });
    if (failed.length === 0) await deps.waiting.remove(where, [message]);
    if (probe.verdict() !== null) return probe.verdict() === 'back';
  }
  return false;
};

/** Returns circuits that admit every attempt. They remember the verdict, which is whether the destination is back. */
const probing = (circuits: Circuits): { circuits: Circuits; verdict(): 'back' | 'away' | null } => {
  let verdict: 'back' | 'away' | null = null;
  return {
    verdict: () => verdict,
    circuits: {
      ...circuits,
      admit: async () => undefined,
      async succeeded(destination) {
        verdict = 'back';
        await circuits.succeeded(destination);
      },
      async failed(where, thrown) {
        const error = await circuits.failed(where, thrown);
        if (error.isAvoided) verdict ??= 'away';
        return error;
      },
    },
  };
};

/**
 * The queue of a probed message. Nothing has to be done to try the message later: it becomes visible in the waiting queue again
 * by itself.
 */
const NOT_LIVE: LiveQueue = { retryLater: async () => undefined };

/** Moves back the messages that have waited too long. When they are tried again, they go to the dead-letter queue. */
const letBackOld = async (
  where: RuleDestination,
  { sinceMs }: OpenCircuit,
  { clock, waiting }: TransferDeps,
): Promise<number> => {
  let count = 0;
  if (clock.now() - sinceMs < LONG_OPEN_MS) return count;
  for (;;) {
    const messages = await waiting.receive(where, BATCH_MESSAGES);
    const old = messages.filter(
      ({ retry, sentMs }) => clock.now() - (retry?.waitingSinceMs ?? sentMs) >= MAX_WAITING_MS,
    );
    if (old.length === 0) return count;
    count += await waiting.letBack(where, old);
  }
};

const createRoom = ({ clock, waiting }: TransferDeps): Limits['hasRoom'] => {
  let askedMs = -Infinity;
  let answer: Promise<boolean> = Promise.resolve(true);
  return () => {
    if (clock.now() - askedMs >= ROOM_MS) {
      askedMs = clock.now();
      answer = waiting.liveMessages().then((count) => count < LIVE_MESSAGES);
    }
    return answer;
  };
};

/** Keeps the alarm on as long as the brake of the destination is closed. */
const reportPaused = async (where: RuleDestination, { brake, reporter }: TransferDeps): Promise<void> => {
  try {
    const closed = await brake.closedOf(where);
    if (closed === null) return;
    const since = new Date(closed.sinceMs).toISOString();
    reporter.report({ ...aboutDestination(where), ending: 'paused', detail: closed.why, since });
  } catch (error) {
    // Waiting messages are moved back even after this failure.
    reportFailure('retry', { error: asReplicationError(error), assignment: null }, attempted(1), {
      reporter,
    });
  }
};

const aboutDestination = ({ rule, destination }: RuleDestination) => ({
  ...blank(attempted(0)),
  rule: rule.id,
  sourceBucket: rule.source.bucket,
  destinationBucket: destination.bucket,
  destination: destination.id,
});

const reportAvoided = (
  where: RuleDestination,
  { sinceMs, reason, detail }: OpenCircuit,
  { reporter }: TransferDeps,
): void =>
  reporter.report({
    ...aboutDestination(where),
    ending: 'avoided',
    reason,
    detail,
    since: new Date(sinceMs).toISOString(),
  });
