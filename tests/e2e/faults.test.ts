/**
 * Every kind of request of the functions fails in every way, once and several times in a row. In the end the replica is right, no
 * dead letter exists, and no upload is left open.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AwsRequest, Fault } from '@s3-replicator/local-aws';
import { expectReplicas, openUploads } from './support/objects.ts';
import { bucketOf, keyOf, operationOf } from './support/operations.ts';
import { deadLetters, type Letter, purge, send } from './support/queues.ts';
import { drawn } from './support/seed.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

const FAULTS: Record<string, Fault> = {
  'is throttled': { kind: 'error', status: 503, code: 'SlowDown' },
  'fails in AWS': { kind: 'error', status: 500, code: 'InternalError' },
  'loses its connection after it took effect': { kind: 'reset-after' },
  'loses its connection before it took effect': { kind: 'reset-before' },
  'gets half an answer': { kind: 'truncate', afterBytes: 5 },
};

/**
 * A request, its bucket, and the object that causes the request: `new`, `overwrite` for an object that replaces another, or
 * `multipart` for an object with a single part.
 */
const S3_CALLS: [operation: string, bucket: string, object: 'new' | 'overwrite' | 'multipart'][] = [
  ['s3:GetObject', 'main', 'new'],
  ['s3:GetObject', 'main', 'multipart'],
  ['s3:HeadObject', 'main', 'new'],
  ['s3:HeadObject', 'main', 'multipart'],
  ['s3:HeadObject', 'main-replica', 'overwrite'],
  ['s3:PutObject', 'main-replica', 'new'],
  ['s3:PutObject', 'main-replica', 'overwrite'],
  ['s3:CreateMultipartUpload', 'main-replica', 'multipart'],
  ['s3:UploadPart', 'main-replica', 'multipart'],
  ['s3:CompleteMultipartUpload', 'main-replica', 'multipart'],
  ['s3:AbortMultipartUpload', 'main-replica', 'multipart'],
];

/** Only the responses of these operations have a body that can be truncated. */
const ANSWER_WITH_BODY = ['s3:GetObject', 's3:CreateMultipartUpload', 's3:CompleteMultipartUpload'];

const ALL_CASES = S3_CALLS.flatMap(([operation, bucket, object]) =>
  Object.entries(FAULTS)
    .filter(([, { kind }]) => kind !== 'truncate' || ANSWER_WITH_BODY.includes(operation))
    .map(([what, fault]) => ({
      operation,
      bucket,
      object,
      fault,
      key: `${operation} in ${bucket} of ${object}, ${what}`,
    })),
);
const CASES = drawn(ALL_CASES, 8);

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage?.stop();
});
afterEach(() => {
  stage.aws.faults.plan = undefined;
  purge(stage);
});

/**
 * Injects the fault that `choose` returns for a request of a function, at most `times` times. The returned map counts the
 * injections by the `name` that `choose` returns.
 */
const injectFaults = (
  choose: (request: AwsRequest) => { name: string; fault: Fault; times: number } | null,
) => {
  const hits = new Map<string, number>();
  stage.aws.faults.plan = (request) => {
    const chosen = request.caller.kind === 'session' ? choose(request) : null;
    if (chosen === null || (hits.get(chosen.name) ?? 0) >= chosen.times) return undefined;
    hits.set(chosen.name, (hits.get(chosen.name) ?? 0) + 1);
    return chosen.fault;
  };
  return hits;
};

describe.each([1, 5])('calls of S3 that fail %i× in a row', (times) => {
  const calls = CASES.map((each) => ({ ...each, key: `${each.key}, ${times}×` }));
  let hits: Map<string, number>;
  let left: string[];
  let letters: Letter[];

  /**
   * All cases run at the same time, because they mostly wait. New processes run the cases, because a client of the SDK has a
   * limited budget of retries.
   */
  beforeAll(async () => {
    await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
    await Promise.all(
      calls.filter(({ object }) => object === 'overwrite').map(({ key }) => stage.put('main', key, 'before')),
    );
    expect(await settled(stage)).toBe(true);
    const cases = new Map(calls.map((each) => [each.key, each]));
    const conflicted = new Set<string>();
    hits = injectFaults((request) => {
      if (request.service !== 's3') return null;
      const chosen = cases.get(keyOf(request));
      const operation = operationOf(request);
      if (chosen === undefined) return null;
      // A function aborts an upload only after another request has failed, so the completion of the upload fails first.
      const conflicts =
        chosen.operation === 's3:AbortMultipartUpload' && operation === 's3:CompleteMultipartUpload';
      if (conflicts && !conflicted.has(chosen.key)) {
        conflicted.add(chosen.key);
        const fault: Fault = { kind: 'error', status: 409, code: 'ConditionalRequestConflict' };
        return { name: `conflict of ${chosen.key}`, fault, times: 1 };
      }
      if (chosen.operation !== operation || chosen.bucket !== bucketOf(request)) return null;
      return { name: chosen.key, fault: chosen.fault, times };
    });
    await Promise.all(
      calls.map(({ key, object }) =>
        object === 'multipart'
          ? stage.putParts('main', key, [Buffer.from(`body of ${key}`)])
          : stage.put('main', key, `body of ${key}`),
      ),
    );
    expect(await settled(stage)).toBe(true);
    left = await openUploads(stage, 'main-replica');
    letters = await deadLetters(stage);
  });

  test.each(calls)('the object is replicated although a call fails: $key', async (each) => {
    expect(hits.get(each.key) ?? 0).toBeGreaterThan(0);
    await expectReplicas(stage, 'main', each.key);
    const lost = left.filter((key) => key === each.key).length;
    expect(lost).toBeLessThanOrEqual(uploadsNobodyCanKnow(each));
  });

  /**
   * How many uploads may stay open. An upload stays open if the only response with its id is lost, or if all retries of its abort
   * fail. The lifecycle rule in destination/template.yml aborts such uploads.
   */
  const uploadsNobodyCanKnow = ({ operation, fault }: (typeof CASES)[number]): number => {
    const answerIsLost = fault.kind === 'reset-after' || fault.kind === 'truncate';
    if (operation === 's3:CreateMultipartUpload' && answerIsLost) return times;
    return operation === 's3:AbortMultipartUpload' && times > 2 ? 1 : 0;
  };

  test(`no dead letter is left after S3 calls that fail ${times}× in a row`, async () => {
    expect(letters).toEqual([]);
  });
});

const WHOLE_FAULTS = Object.entries(FAULTS).filter(([, { kind }]) => kind !== 'truncate');

describe.each(drawn(WHOLE_FAULTS, 2))('a call that %s', (what, fault) => {
  const failing = (operation: string, times: number) =>
    injectFaults((request) =>
      operationOf(request) === operation ? { name: operation, fault, times } : null,
    );

  test.each(['dynamodb:PutItem', 'dynamodb:UpdateItem', 'sts:AssumeRole'])(
    `an object is replicated within a minute although %s ${what}`,
    async (operation) => {
      if (operation === 'sts:AssumeRole')
        await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
      const key = `${operation} ${fault.kind}`;
      const hits = failing(operation, 4);
      const moved = (): number => stage.aws.clock.now() - Date.now();
      const beganMs = moved();
      await stage.put('main', key, 'x');
      expect(await settled(stage)).toBe(true);
      expect(hits.get(operation)).toBeGreaterThan(0);
      // The clock of the local AWS is moved only while nothing works, so this is how long the message waited.
      expect(moved() - beganMs).toBeLessThan(60_000);
      await expectReplicas(stage, 'main', key);
      expect(await deadLetters(stage)).toEqual([]);
    },
  );

  test(`a message reaches the dead-letter queue although sqs:SendMessage ${what}`, async () => {
    const hits = failing('sqs:SendMessage', 4);
    await send(stage, 'nonsense');
    expect(await settled(stage)).toBe(true);
    expect(hits.get('sqs:SendMessage')).toBeGreaterThan(0);
    // A function repeats a send whose response is lost, so the queue may contain the message twice.
    const bodies = new Set((await deadLetters(stage)).map(({ body }) => body));
    expect([...bodies]).toEqual(['nonsense']);
    purge(stage);
  });

  test(`a message is tried again although sqs:SendMessage ${what}`, async () => {
    const failed = { kind: 'error', status: 500, code: 'InternalError' } as const;
    const hits = injectFaults((request) => {
      const operation = operationOf(request);
      if (operation === 'sqs:SendMessage') return { name: operation, fault, times: 4 };
      // One invocation sends this request four times.
      return operation === 's3:GetObject' ? { name: operation, fault: failed, times: 4 } : null;
    });
    const key = `visibility ${fault.kind} ${'status' in fault ? fault.status : ''}`;
    await stage.put('main', key, 'x');
    // The function could not send the message again, so it gave the message back.
    expect(await settled(stage, 6_000)).toBe(true);
    expect(hits.get('sqs:SendMessage')).toBeGreaterThan(0);
    await expectReplicas(stage, 'main', key);
    expect(await deadLetters(stage)).toEqual([]);
  });
});
