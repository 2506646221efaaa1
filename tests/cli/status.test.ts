/** `status` on a deployment in memory. */
import { expect, test } from 'vitest';
import { circuitName } from '../../src/lib/model/rule.ts';
import { noArrivals, NOTHING_SEEN, pairName } from '../../src/lib/state/arrivals.ts';
import { isReadable } from '../../src/lib/state/deployment-state.ts';
import { mostFrequentReasons } from '../../src/lib/state/failure-reasons.ts';
import { EMPTY, healthy, NOW_MS, PAIRS, status } from './status-sources.ts';

const [first] = PAIRS;
const { rule, destination } = first!;
const name = pairName(rule.id, destination.id);

test('a healthy deployment fits one screen of 80 columns, and says that every rule keeps up', async () => {
  const { code, out } = await status(healthy(), [], { columns: 80 });
  expect(code).toBe(0);
  const lines = out.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^s3-replicator-prod · us-east-1 · 14:02:11 UTC +every rule keeps up$/);
  expect(lines[1]).toMatch(/^RULE → DESTINATION +LAG p50\/p99 +PENDING +OLDEST +RATE +FAILED 1 h$/);
  expect(lines[2]).toMatch(/1\.8 s\/6\.1 s +0 +– +41\.0\/s +0$/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('a rule that is behind is named, with the command that finds out why', async () => {
  const arrivals = {
    messages: 100,
    seen: new Map([[name, { ...NOTHING_SEEN, received: 100, bytes: 1_000, newestMs: NOW_MS - 720_000 }]]),
  };
  const sources = healthy({
    queues: async () => ({
      live: { ...EMPTY, visible: 8_412 },
      backfill: EMPTY,
      ranges: EMPTY,
      transfers: EMPTY,
    }),
    arrivals: async () => ({ live: arrivals, backfill: noArrivals() }),
    circuits: async () => ({
      open: new Map([
        [circuitName(destination), { sinceMs: NOW_MS - 731_000, reason: 'access-denied', detail: 'denied' }],
      ]),
      suspects: new Map(),
      hanging: new Map(),
      services: new Map(),
    }),
    deadLetters: async () => ({ live: { ...EMPTY, visible: 40 }, ranges: EMPTY, transfers: EMPTY }),
    alarms: async () => [
      {
        alarm: 'dead-letters',
        state: 'ALARM',
        since: '2026-11-30T13:50:00.000Z',
        description: 'See `npx s3-replicator dlq list`.',
        command: 'npx s3-replicator dlq list',
      },
    ],
  });
  const { out } = await status(sources, ['--rule', rule.id, '--destination', destination.id]);
  expect(out).toMatch(/one rule behind/);
  expect(out).toMatch(/~8,400 +12 min/);
  expect(out).toContain('since 13:50: access-denied → npx s3-replicator waiting list');
  expect(out).toMatch(/letters +40 dead letters → npx s3-replicator dlq list/);
  expect(out).toMatch(/alarms +dead-letters since 13:50 → npx s3-replicator dlq list/);
  expect(out).toContain(`next       npx s3-replicator doctor --rule ${rule.id}`);
});

test('failures of the last hour are shown with their most frequent reason, for which the logs are searched only after a failure', async () => {
  let searches = 0;
  const reasons = mostFrequentReasons(
    ['kms', 'access-denied', 'access-denied'].map((reason) => ({
      rule: rule.id,
      destination: destination.id,
      reason,
    })),
  );
  const failures = async () => ((searches += 1), reasons);
  await status(healthy({ failures }));
  expect(searches).toBe(0);
  const measures = await healthy().measures(PAIRS, NOW_MS);
  if (!isReadable(measures)) throw new Error('measures are readable');
  const failing = new Map(
    [...measures.rules].map(([pair, one]) => [pair, { ...one, failedLastHour: pair === name ? 300 : 0 }]),
  );
  const sources = healthy({ failures, measures: async () => ({ ...measures, rules: failing }) });
  const { out } = await status(sources, [], { columns: 80 });
  expect(out.split('\n')[2]).toMatch(/ 300 access-denied$/);
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(searches).toBe(1);
});

test('what the caller may not read is named with its permission, and is no error', async () => {
  const { code, out } = await status(
    healthy({
      measures: async () => ({ notReadable: 'cloudwatch:GetMetricData' }),
      transfers: async () => ({ notReadable: 'dynamodb:Scan' }),
    }),
  );
  expect(code).toBe(0);
  expect(out).toContain('not readable: permission cloudwatch:GetMetricData');
  expect(out).toContain('not readable: permission dynamodb:Scan');
  expect(out.split('\n')[2]).toMatch(/\? +\? +\? +\? +\?$/);
});

test('status --json prints the documented state, and with --watch one line for each time', async () => {
  const { out } = await status(healthy(), ['--json']);
  expect(JSON.parse(out)).toMatchObject({
    stack: 's3-replicator-prod',
    at: '2026-11-30T14:02:11.000Z',
    queues: { live: { messages: EMPTY, oldestSeconds: null } },
    runs: [],
  });
  expect(JSON.parse(out).rules[0]).toMatchObject({
    rule: rule.id,
    pending: { operations: 0 },
    lag: { p50Seconds: 1.8 },
  });
  const interrupted = new AbortController();
  let slept = 0;
  const sleep = async (): Promise<void> => {
    slept += 1;
    if (slept === 3) interrupted.abort();
  };
  const watched = await status(healthy(), ['--json', '--watch'], { interrupted: interrupted.signal, sleep });
  expect(watched.code).toBe(130);
  expect(
    watched.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).stack),
  ).toEqual(Array(3).fill('s3-replicator-prod'));
});

test('a watch asks CloudWatch once a minute, and the queues every five seconds', async () => {
  const interrupted = new AbortController();
  let [nowMs, queues, metrics] = [NOW_MS, 0, 0];
  const all = healthy();
  const sources = {
    ...all,
    queues: async () => ((queues += 1), await all.queues()),
    measures: async (...given: Parameters<typeof all.measures>) => (
      (metrics += 1),
      await all.measures(...given)
    ),
  };
  const sleep = async (ms: number): Promise<void> => {
    nowMs += ms;
    if (nowMs >= NOW_MS + 180_000) interrupted.abort();
  };
  await status(sources, ['--watch', '--json'], { interrupted: interrupted.signal, sleep, now: () => nowMs });
  expect([queues, metrics]).toEqual([36, 3]);
});

/** Runs `--wait-drained`. Each sleep moves the clock. A message is in flight for the first `workUntilMs` milliseconds. */
const drain = async (more: Parameters<typeof healthy>[0], workUntilMs = 0) => {
  let nowMs = NOW_MS;
  const lines: string[] = [];
  const interrupted = new AbortController();
  const all = healthy(more);
  const result = await status(
    {
      ...all,
      queues: async () => ({
        ...(await all.queues()),
        live: { ...EMPTY, inFlight: nowMs < NOW_MS + workUntilMs ? 1 : 0 },
      }),
    },
    ['--wait-drained'],
    {
      interrupted: interrupted.signal,
      now: () => nowMs,
      stderr: { write: (text) => void lines.push(text) },
      sleep: async (ms) => {
        nowMs += ms;
        if (nowMs > NOW_MS + 3_600_000) interrupted.abort();
      },
    },
  );
  return { ...result, lines: lines.join(''), minutes: (nowMs - NOW_MS) / 60_000 };
};

test('--wait-drained returns when everything has been empty for five minutes, and says what only a verify proves', async () => {
  const { code, out, lines, minutes } = await drain({}, 120_000);
  expect(code).toBe(0);
  expect(minutes).toBeCloseTo(7, 0);
  expect(lines).toContain('waiting for 1 message in the live queue');
  expect(out).toContain('Only a verify proves that both sides agree');
});

test.each([
  ['waiting messages', { waiting: async () => 3 }, 'messages waiting for'],
  [
    'delayed messages',
    {
      queues: async () => ({
        live: EMPTY,
        backfill: { ...EMPTY, delayed: 2 },
        ranges: EMPTY,
        transfers: EMPTY,
      }),
    },
    '2 messages in the backfill queue',
  ],
  [
    'paused deletes',
    {
      brakes: async () =>
        new Map([
          [
            `${rule.id}/${destination.id}`,
            {
              slots: new Map(),
              closed: { sinceMs: 0, why: 'x' },
              keys: null,
              releasedMs: 0,
              releasing: null,
            },
          ],
        ]),
    },
    rule.brake === null ? 'empty for' : 'the paused deletes of',
  ],
] as const)('--wait-drained continues to wait for %s', async (_what, more, text) => {
  const { code, lines } = await drain(more);
  expect(lines).toContain(text);
  expect(code).toBe(text === 'empty for' ? 0 : 130);
});

test('--wait-drained cannot tell without the permissions, and says which', async () => {
  const { code, lines } = await drain({ waiting: async () => ({ notReadable: 'sqs:GetQueueAttributes' }) });
  expect(code).toBe(1);
  expect(lines).toContain('without sqs:GetQueueAttributes');
});
