/** Runs to a destination at another S3 service. They begin without the command, which would first probe the service. */
import { expect, test } from 'vitest';
import { circuitName, type ServiceDestination } from '../../src/lib/model/rule.ts';
import { answersOf, type ServiceAnswer } from '../../src/lib/model/service-answers.ts';
import { answerRunRequest } from '../../src/lib/runs/request.ts';
import { testDestination } from '../model/settings.ts';
import { fortyKeys } from './histories.ts';
import { numbers } from './random-numbers.ts';
import { createWorld } from './run-world.ts';
import { aVerifySchedule } from './runs.ts';

const SERVICE: ServiceDestination = {
  ...testDestination({ id: 'replica' }),
  roleArn: null,
  externalId: null,
  account: null,
  service: { endpoint: 'https://minio.example.com', addressing: 'path', secretArn: 'arn' },
  conditionalWrites: 'required',
};

const worldOf = () => {
  const world = createWorld({ ...fortyKeys(), random: numbers(1), rule: { verify: aVerifySchedule() } });
  world.deploy({ destinations: [SERVICE] });
  const answered = async (no: string | null): Promise<void> => {
    const answers = answersOf((question): ServiceAnswer => (question === no ? 'no' : 'yes'));
    const kept = { answers, isVersioned: true, askedMs: 1, left: [] };
    await world.deps().circuits.keepAnswers(circuitName(SERVICE), kept);
  };
  const ask = (fields: object) => answerRunRequest({ rule: 'rule', ...fields }, world.deps());
  return { world, answered, ask };
};

const BACKFILL = { kind: 'backfill' };
const REPAIR = { kind: 'verify', repair: true };

test.each([BACKFILL, REPAIR])(
  'a direct request (%j) starts nothing until the service was asked, and says how to ask it',
  async (request) => {
    const { world, answered, ask } = worldOf();
    const [problem] = problemsIn(await ask(request));
    expect(problem).toMatch(/nobody has asked the service.*s3-replicator doctor/);
    expect(world.store.runs.size).toBe(0);
    await answered(null);
    expect(await ask(request)).toMatchObject({ runs: [{ phase: 'comparing' }] });
  },
);

test('a direct request to write to a service that ignores conditions starts nothing, and one that reads starts', async () => {
  const { answered, ask } = worldOf();
  await answered('replaces');
  expect(problemsIn(await ask(BACKFILL))[0]).toContain('PutObject with If-Match is accepted');
  expect(await ask({ kind: 'verify' })).toMatchObject({ runs: [{ phase: 'checking' }] });
});

test('a scheduled verify of a service whose listings leave out keys is refused, and its verdict says why', async () => {
  const { world, answered } = worldOf();
  await answered('pages');
  await world.nextMinute();
  world.sleepUntil(Date.parse('2026-11-23T03:00:00Z'));
  await world.nextMinute();
  expect(world.store.runs.size).toBe(0);
  const [record] = world.verifies.records.values();
  expect(record).toMatchObject({ last: { kind: 'refused' }, verdict: { agrees: false } });
  expect(record?.verdict?.detail).toContain('a listing in pages');
});

const problemsIn = (answer: Awaited<ReturnType<typeof answerRunRequest>>): string[] =>
  'problems' in answer ? answer.problems : [];
