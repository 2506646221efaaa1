/** `waiting list` and `waiting retry` on models of the queues and of the record of the circuits. */
import { expect, test } from 'vitest';
import type { OperatorWaiting } from '../../src/cli/waiting/waiting-queues.ts';
import { waitingWith } from '../../src/cli/waiting/waiting.ts';
import type { QueueMessage, WaitingMessage } from '../../src/lib/delivery/deps.ts';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { circuitName } from '../../src/lib/model/rule.ts';
import { createMemoryCircuitStore } from '../model/memory-circuits.ts';
import { queueMessage } from '../replicate/batch-world.ts';
import { ROOT, run } from './run.ts';

const { rules } = loadConfiguration(`${ROOT}replication.yml`).replication;
const rule = rules[0]!;
const destination = rule.destinations[0]!;

const world = async () => {
  const circuits = createMemoryCircuitStore();
  const name = circuitName(destination);
  await circuits.suspect(name, 'k', 0);
  await circuits.open(name, {
    sinceMs: 0,
    reason: 'no-answer',
    detail: 'PutObject: S3 did not answer in time',
  });
  const queues = new Map<string, WaitingMessage[]>([
    [rule.id + destination.id, Array.from({ length: 25 }, () => ({ ...queueMessage('{}'), attributes: {} }))],
  ]);
  const letBack: QueueMessage[] = [];
  const queueOf = (where: { rule: { id: string }; destination: { id: string } }): WaitingMessage[] =>
    queues.get(where.rule.id + where.destination.id) ?? [];
  const waiting: OperatorWaiting = {
    circuits,
    count: async (where) => queueOf(where).length,
    queues: {
      receive: async (where, limit) => queueOf(where).splice(0, limit),
      async letBack(_where, messages) {
        letBack.push(...messages);
        return messages.length;
      },
    },
  };
  const command = (...argv: string[]) =>
    run(
      ['waiting', ...argv, '--config', `${ROOT}replication.yml`],
      {},
      { waiting: waitingWith({ open: async () => waiting }) },
    );
  return { circuits, letBack, command };
};

test('waiting list shows how many messages wait, and for how long and why the destination is avoided', async () => {
  const { command } = await world();
  const { code, out } = await command('list', '--rule', rule.id, '--destination', destination.id);
  expect(code).toBe(0);
  expect(out.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['MESSAGES', 'RULE → DESTINATION', 'AVOIDED FOR', 'REASON'],
    ['25', `${rule.id} → ${destination.id}`, expect.stringMatching(/^\d+d/), 'no-answer'],
    ['PutObject: S3 did not answer in time'],
    [''],
  ]);
  const { out: json } = await command('list', '--json');
  expect(JSON.parse(json)).toContainEqual(
    expect.objectContaining({ messages: 25, reason: 'no-answer', destinationBucket: destination.bucket }),
  );
});

test('waiting retry closes the circuit and lets everything back, and its dry run changes nothing', async () => {
  const { circuits, letBack, command } = await world();
  expect((await command('retry', '--dry-run')).out).toContain('Dry run: 25 messages would be let back');
  expect([letBack.length, (await circuits.load()).open.size]).toEqual([0, 1]);
  expect((await command('retry')).out).toBe('25 messages let back, 1 destination no longer avoided.\n');
  expect([letBack.length, (await circuits.load()).open.size]).toEqual([25, 0]);
});

test('a destination that no rule has is refused', async () => {
  const { command } = await world();
  expect(await command('retry', '--destination', 'nowhere')).toMatchObject({ code: 2 });
});
