/**
 * Everything goes wrong at once: requests of the functions fail in every way, functions are killed and run out of time, messages
 * are late, doubled, out of order, visible too early, and come back after they were deleted. What must hold all the same: every
 * object ends as its source is, or in the dead-letter queue with a reason; a redrive is all it takes then.
 *
 * The seed is in the test's name. Again: `PROPERTY_SEED=… npx vitest run tests/e2e/chaos.test.ts`; CHAOS_ROUNDS=20 tries as many.
 */
import { randomBytes } from 'node:crypto';
import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFailed, onTestFinished, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { isRecord } from '@s3-replicator/local-aws/template';
import type { AwsRequest } from '@s3-replicator/local-aws';
import {
  chaosRules,
  createFaultPlan,
  type FaultRule,
  messageKey,
  type RuledFaultPlan,
} from '@s3-replicator/local-aws/faults';
import { ALL_REASONS } from '../../src/lib/model/reasons.ts';
import { expectReplicas, put } from './support/objects.ts';
import { deadLetters, type Letter, purge, send } from './support/queues.ts';
import { PROPERTY_SEED } from './support/seed.ts';
import { REGION, settled, startStage, type Stage } from './support/stage.ts';
import { type UploadWatch, watchUploads } from './support/upload-watch.ts';
import { putParts } from './support/uploads.ts';

const MIB = 1024 ** 2;
const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 1);

let stage: Stage;
let watch: UploadWatch;
beforeAll(async () => {
  stage = await startStage({
    edit: {
      // Of the fifteen tries that a message has: so that some come to an end.
      stack: ({ Resources: resources }) => {
        const redrivePolicy = resources['LiveQueue']?.Properties['RedrivePolicy'];
        if (isRecord(redrivePolicy)) redrivePolicy['maxReceiveCount'] = 4;
      },
    },
  });
  watch = watchUploads(stage);
});
afterAll(async () => {
  await stage?.stop();
});

interface ObjectName {
  bucket: string;
  key: string;
}

interface Upload {
  /** Which of {@link PLACES}. */
  place: number;
  kind: 'put' | 'parts';
  sizeBytes: number;
  label: string;
}

/** Every kind of rule: versioned or not, by EventBridge and with keys, two destinations in two regions, a role that reads. */
const PLACES = [
  'main/0',
  'main/1',
  'main/2',
  'main/denied',
  'plain/0',
  'plain/1',
  'suspended/0',
  'secrets/0',
  'secrets/1',
  'lent/0',
  'shared/reports/0.pdf',
  'shared/images/0',
] as const;

const uploads: fc.Arbitrary<Upload[]> = fc.array(
  fc.record({
    place: fc.nat({ max: PLACES.length - 1 }),
    kind: fc.constantFrom('put' as const, 'put' as const, 'parts' as const),
    sizeBytes: fc.constantFrom(0, 1, 3_000, 200_000),
    label: fc.constantFrom('x', 'y'),
  }),
  { minLength: 10, maxLength: 20 },
);

const named = (run: string, place: number): ObjectName => {
  const [bucket = '', ...rest] = (PLACES[place] ?? '').split('/');
  const last = rest.pop() ?? '';
  return { bucket, key: [...rest, run, last].join('/') };
};

/** All places at first, so that each exists, then what the history says; a few uploads at a time. */
const play = async (run: string, history: Upload[]): Promise<ObjectName[]> => {
  const first = PLACES.map((_, place): Upload => ({ place, kind: 'put', sizeBytes: 1, label: 'first' }));
  const steps = [...first, ...history];
  while (steps.length > 0) await Promise.all(steps.splice(0, 4).map((step) => upload(run, step)));
  await send(stage, 'nonsense');
  return PLACES.map((_, place) => named(run, place));
};

const upload = async (run: string, { place, kind, sizeBytes, label }: Upload): Promise<void> => {
  const { bucket, key } = named(run, place);
  const options = { Metadata: { label } };
  if (kind === 'put') await put(stage, bucket, key, randomBytes(sizeBytes), options);
  else await putParts(stage, bucket, key, [Buffer.alloc(5 * MIB, label), randomBytes(sizeBytes)], options);
};

/** The functions' requests; ours are not to fail. */
const FUNCTIONS = 'arn:aws:sts::*';

const rulesOf = ({ names }: Stage): FaultRule[] => [
  {
    operation: 's3:PutObject',
    key: '*denied',
    caller: FUNCTIONS,
    fault: { kind: 'error', status: 403, code: 'AccessDenied' },
  },
  // Which the SDK does not ask again: the whole message has to come back.
  {
    operation: 's3:GetObject',
    key: '*/1',
    caller: FUNCTIONS,
    times: 2,
    per: 'subject',
    fault: { kind: 'error', status: 409, code: 'OperationAborted' },
  },
  // Records that their own writer takes for another's.
  { operation: 'dynamodb:PutItem', caller: FUNCTIONS, every: 3, times: 8, fault: { kind: 'reset-after' } },
  { queue: names.liveQueue, probability: 0.1, fault: { kind: 'overtake-message', by: 3 } },
  ...chaosRules({
    probability: 0.1,
    caller: FUNCTIONS,
    queue: names.liveQueue,
    function: names.replicateFunction,
  }),
];

/** Until the live queue is empty and the plan holds nothing back any more. */
const settledUnder = async (plan: RuledFaultPlan): Promise<boolean> => {
  do {
    plan.release();
    if (!(await settled(stage, 500_000))) return false;
  } while (plan.held().length > 0);
  return true;
};

/** Of a message that SQS itself moved there nothing is known but what it says; the command line shows it as crashed. */
const isAbout = ({ body, attributes }: Letter, { bucket, key }: ObjectName): boolean =>
  attributes['reason'] === undefined
    ? body.includes(`"name":"${bucket}"`) && messageKey(body) === key
    : attributes['bucket'] === bucket && decodeURIComponent(attributes['key'] ?? '') === key;

/** As `dlq redrive` does it; that command's own process would take as long as everything else here. */
const redrive = async ({ source, names, waitUntil }: Stage): Promise<void> => {
  const arn = (queue: string) => `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${queue}`;
  const SourceArn = arn(names.deadLetterQueue);
  await source.sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn: arn(names.liveQueue) }));
  await waitUntil('the dead letters have moved', async () => {
    const { Results: tasks } = await source.sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
    return tasks?.[0]?.Status === 'COMPLETED';
  });
};

/** Plays a history under a plan, to the end of all messages. Answers what was written. */
const survive = async (plan: RuledFaultPlan): Promise<ObjectName[]> => {
  const watched = (request: AwsRequest) => {
    const fault = plan(request);
    watch.see(request, fault);
    return fault;
  };
  stage.aws.faults.plan = Object.assign(watched, { ...plan });
  const [history = []] = fc.sample(uploads, { seed: plan.seed, numRuns: 1 });
  const objects = await play(plan.seed.toString(16), history);
  expect(await settledUnder(plan)).toBe(true);
  stage.aws.faults.plan = undefined;
  expect(plan.injected().length).toBeGreaterThan(10);
  return objects;
};

test.each(Array.from({ length: ROUNDS }, (_, round) => PROPERTY_SEED + round))(
  'seed %i: everything is replicated, or in the dead-letter queue and replicated by a redrive',
  async (seed) => {
    const plan = createFaultPlan({ seed, rules: rulesOf(stage), clock: stage.aws.clock });
    onTestFailed(() => console.error(plan.describe()));
    onTestFinished(() => {
      stage.aws.faults.plan = undefined;
      purge(stage);
    });
    const objects = await survive(plan);
    const letters = await deadLetters(stage);
    for (const { attributes } of letters)
      if (Object.keys(attributes).length > 0) expect(ALL_REASONS).toContain(attributes['reason']);
    for (const object of objects)
      if (!letters.some((letter) => isAbout(letter, object)))
        await expectReplicas(stage, object.bucket, object.key);

    // What a killed function had begun is its own until its fifteen minutes are over.
    stage.aws.clock.advance(15 * 60_000);
    await redrive(stage);
    expect(await settled(stage)).toBe(true);
    for (const { bucket, key } of objects) await expectReplicas(stage, bucket, key);
    const left = (await deadLetters(stage)).map(({ body }) => body);
    expect(left.filter((body) => body !== 'nonsense')).toEqual([]);
    expect(left).toContain('nonsense');
    expect(await watch.forgotten(), 'uploads left open').toEqual([]);
  },
);
