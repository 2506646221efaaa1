/**
 * A queue that gets messages faster than they are worked on. Each second, functions receive some of its oldest messages, not quite in
 * order. The simulation knows to which destination each message belongs, so that estimates can be compared with the truth.
 */
import { RETRY_LIMIT, SHORT_TRIES } from '../../src/lib/delivery/backoff.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import type { RuleDestination } from '../../src/lib/model/rule.ts';
import { type ArrivalStore, collectArrivals, pairName } from '../../src/lib/state/arrivals.ts';
import type { QueueCounts } from '../../src/lib/state/deployment-state.ts';

export interface Traffic {
  /** The destinations of one rule. */
  pairs: RuleDestination[];
  perSecond: number;
  meanBytes: number;
  /** The share of the attempts that fail, and are tried again. */
  failing: number;
}

interface Message {
  traffic: Traffic;
  pairs: RuleDestination[];
  bytes: number;
  sentMs: number;
  firstMs: number;
  tries: number;
}

export interface Simulation {
  counts: QueueCounts;
  waiting: Map<string, number>;
  /** What is really pending for each destination. */
  truth: Map<string, { operations: number; bytes: number; oldestMs: number }>;
  nowMs: number;
}

const BEGIN_MS = Date.UTC(2026, 10, 30);

export const simulate = async (
  traffic: readonly Traffic[],
  {
    capacity,
    seconds,
    random,
    store,
  }: { capacity: number; seconds: number; random: () => number; store: ArrivalStore },
): Promise<Simulation> => {
  let nowMs = BEGIN_MS;
  const collector = collectArrivals('live', store, { now: () => nowMs });
  let [visible, delayed, waiting, inFlight]: Message[][] = [[], [], [], []];
  for (let second = 0; second < seconds; second += 1, nowMs += 1_000) {
    for (const each of traffic)
      for (let n = countIn(each.perSecond, random); n > 0; n -= 1) visible!.push(arrive(each, nowMs, random));
    const due = delayed!.filter(({ sentMs }) => sentMs <= nowMs);
    delayed = delayed!.filter(({ sentMs }) => sentMs > nowMs);
    visible!.push(...due);
    if (second % 60 === 59)
      visible!.push(...waiting!.splice(0).map((message) => ({ ...message, sentMs: nowMs })));
    inFlight = receive(visible!, capacity, random);
    for (const message of inFlight)
      for (const pair of message.pairs) {
        const fails = random() < message.traffic.failing && message.tries < RETRY_LIMIT;
        collector.collect(recordOf(message, pair, fails));
        if (!fails) continue;
        const again = { ...message, pairs: [pair], tries: message.tries + 1 };
        if (again.tries > SHORT_TRIES) waiting!.push(again);
        else delayed.push({ ...again, sentMs: nowMs + Math.round(20_000 * random()) });
      }
    await collector.received(inFlight.length);
  }
  // The messages of the last second are still being worked on. Those that failed have already been sent again.
  return {
    counts: { visible: visible!.length, inFlight: 0, delayed: delayed!.length },
    waiting: countBy(waiting!),
    truth: truthOf([...visible!, ...delayed!, ...waiting!]),
    nowMs,
  };
};

const countIn = (perSecond: number, random: () => number): number =>
  Math.floor(perSecond) + (random() < perSecond % 1 ? 1 : 0);

const arrive = (traffic: Traffic, nowMs: number, random: () => number): Message => ({
  traffic,
  pairs: traffic.pairs,
  bytes: Math.round(traffic.meanBytes * (0.5 + random())),
  sentMs: nowMs,
  firstMs: nowMs,
  tries: 0,
});

/** SQS gives no order, but on the whole the oldest messages are received first. */
const receive = (visible: Message[], capacity: number, random: () => number): Message[] => {
  const received: Message[] = [];
  while (received.length < capacity && visible.length > 0)
    received.push(...visible.splice(Math.floor(random() * Math.min(visible.length, 200)), 1));
  return received;
};

const recordOf = (
  message: Message,
  { rule, destination }: RuleDestination,
  fails: boolean,
): OutcomeRecord => {
  const common = {
    rule: rule.id,
    sourceBucket: rule.source.bucket,
    destinationBucket: destination.bucket,
    destination: destination.id,
    key: 'k',
    version: null,
    sizeBytes: message.bytes,
    attempts: message.tries + 1,
    firstSeen: new Date(message.firstMs).toISOString(),
  };
  return fails
    ? { ...common, ending: 'retry', reason: 'throttled', detail: '', requestId: null }
    : { ...common, ending: 'skip', why: 'no-rule' };
};

const piecesOf = (messages: readonly Message[]) =>
  messages.flatMap((message) =>
    message.pairs.map(({ rule, destination }) => ({ ...message, name: pairName(rule.id, destination.id) })),
  );

const countBy = (messages: readonly Message[]): Map<string, number> =>
  new Map(
    [...Map.groupBy(piecesOf(messages), ({ name }) => name)].map(([name, pieces]) => [name, pieces.length]),
  );

const truthOf = (messages: readonly Message[]): Simulation['truth'] =>
  new Map(
    [...Map.groupBy(piecesOf(messages), ({ name }) => name)].map(([name, pieces]) => [
      name,
      {
        operations: pieces.length,
        bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
        oldestMs: Math.min(...pieces.map(({ firstMs }) => firstMs)),
      },
    ]),
  );
