/**
 * Everything goes wrong at once. Requests of the functions fail in every way. Functions are killed and run out of time. Messages
 * are late, duplicated, out of order and visible too early, and come back after their deletion. Nevertheless, every object must end
 * equal to its source, or in the dead-letter queue with a reason. A redrive then replicates the objects of the dead letters.
 *
 * The test title contains the seed. `PROPERTY_SEED=… npx vitest run tests/e2e/chaos.test.ts` repeats a run, and CHAOS_ROUNDS=20
 * sets the number of rounds.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFailed, onTestFinished, test } from 'vitest';
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
import { expectReplicas } from './support/objects.ts';
import { deadLetters, type Letter, purge, redriveAll, send } from './support/queues.ts';
import { PROPERTY_SEED } from './support/seed.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';
import { type UploadWatch, watchUploads } from './support/upload-watch.ts';

const MIB = 1024 ** 2;
const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 1);

let stage: Stage;
let watch: UploadWatch;
beforeAll(async () => {
  stage = await startStage({
    edit: {
      // Four attempts instead of the fifteen of the template, so that some messages use up all of them. The shorter time-out saves
      // time.
      stack: ({ Resources: resources }) => {
        Object.assign(resources['ReplicateLambdaFunction']?.Properties ?? {}, { Timeout: 120 });
        const queue = resources['LiveQueue']?.Properties ?? {};
        Object.assign(queue, { VisibilityTimeout: 720 });
        const redrivePolicy = queue['RedrivePolicy'];
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
  /** Index in {@link PLACES}. */
  place: number;
  kind: 'put' | 'parts';
  sizeBytes: number;
  label: string;
}

/**
 * Objects of every kind of rule: buckets with and without versions, events through EventBridge, KMS keys, two destinations in two
 * regions, and a source that the function reads with another role.
 */
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
  { minLength: 4, maxLength: 8 },
);

const named = (run: string, place: number): ObjectName => {
  const [bucket = '', ...rest] = (PLACES[place] ?? '').split('/');
  const last = rest.pop() ?? '';
  return { bucket, key: [...rest, run, last].join('/') };
};

/** Uploads an object to each place, so that all of them exist, and then plays the history. Four uploads run at the same time. */
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
  if (kind === 'put') await stage.put(bucket, key, randomBytes(sizeBytes), options);
  else await stage.putParts(bucket, key, [Buffer.alloc(5 * MIB, label), randomBytes(sizeBytes)], options);
};

/** Matches the ARNs of the functions' sessions. The requests of the test itself must not fail. */
const FUNCTIONS = 'arn:aws:sts::*';

const rulesOf = ({ names }: Stage): FaultRule[] => [
  {
    operation: 's3:PutObject',
    key: '*denied',
    caller: FUNCTIONS,
    fault: { kind: 'error', status: 403, code: 'AccessDenied' },
  },
  // The SDK does not retry after this error, so the message itself has to be received again.
  {
    operation: 's3:GetObject',
    key: '*/1',
    caller: FUNCTIONS,
    times: 2,
    per: 'subject',
    fault: { kind: 'error', status: 409, code: 'OperationAborted' },
  },
  // The record is written, but the response is lost. When the function tries again, it mistakes its own record for that of another
  // invocation.
  { operation: 'dynamodb:PutItem', caller: FUNCTIONS, every: 3, times: 8, fault: { kind: 'reset-after' } },
  { queue: names.liveQueue, probability: 0.1, fault: { kind: 'overtake-message', by: 3 } },
  ...chaosRules({
    probability: 0.1,
    caller: FUNCTIONS,
    queue: names.liveQueue,
    function: names.replicateFunction,
  }),
];

/** Waits until the live queue is empty and the plan holds back no more messages. */
const settledUnder = async (plan: RuledFaultPlan): Promise<boolean> => {
  do {
    plan.release();
    if (!(await settled(stage, 500_000))) return false;
  } while (plan.held().length > 0);
  return true;
};

/**
 * Returns whether the dead letter is about this object. A message that SQS itself moved has no reason, so its body is searched.
 * The command line lists such a message as crashed.
 */
const isAbout = ({ body, attributes }: Letter, { bucket, key }: ObjectName): boolean =>
  attributes['reason'] === undefined
    ? body.includes(`"name":"${bucket}"`) && messageKey(body) === key
    : attributes['bucket'] === bucket && decodeURIComponent(attributes['key'] ?? '') === key;

/** Plays a history under a plan, and waits until all messages are processed. Returns the objects that were written. */
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
  'with seed %i every object survives chaos: it is replicated, or in the dead-letter queue and replicated by a redrive',
  async (seed) => {
    const plan = createFaultPlan({ seed, rules: rulesOf(stage), clock: stage.aws.clock });
    onTestFailed(() => console.error(plan.describe()));
    onTestFinished(() => {
      stage.aws.faults.plan = undefined;
      purge(stage);
    });
    const objects = await survive(plan);
    const letters = await deadLetters(stage);
    // A letter that SQS itself moved has no reason. If it was sent again before, it still has the attributes of a retry.
    for (const { attributes } of letters)
      if (attributes['reason'] !== undefined) expect(ALL_REASONS).toContain(attributes['reason']);
    for (const object of objects)
      if (!letters.some((letter) => isAbout(letter, object)))
        await expectReplicas(stage, object.bucket, object.key);

    // After a function is killed, its idempotency record blocks the message until the time-out of the function has passed.
    stage.aws.clock.advance(15 * 60_000);
    await redriveAll(stage);
    expect(await settled(stage)).toBe(true);
    for (const { bucket, key } of objects) await expectReplicas(stage, bucket, key);
    const left = (await deadLetters(stage)).map(({ body }) => body);
    expect(left.filter((body) => body !== 'nonsense')).toEqual([]);
    expect(left).toContain('nonsense');
    expect(await watch.forgotten(), 'uploads left open').toEqual([]);
  },
);
