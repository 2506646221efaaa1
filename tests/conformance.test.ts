/** The local AWS, held against AWS's documents: each behaviour of the conformance suite, and random histories of a bucket. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Context } from '../conformance/context.ts';
import { connect, type Endpoint, missingServices } from '../conformance/endpoint.ts';
import { history, play } from '../conformance/history.ts';
import { createResources } from '../conformance/resources.ts';
import { createContext } from '../conformance/run.ts';
import { suite } from '../conformance/suite.ts';
import { type LocalAws, startLocalAws } from '../local/aws.ts';

let aws: LocalAws;
let endpoint: Endpoint;
let context: Context;
beforeAll(async () => {
  aws = await startLocalAws();
  const credentials = aws.root('111111111111');
  endpoint = connect({ url: aws.httpEndpoint, region: aws.region, credentials });
  context = createContext(endpoint, createResources(endpoint));
});
afterAll(async () => {
  endpoint.close();
  await aws.stop();
});

test('the local AWS has every service the suite asks for', async () => {
  expect([...(await missingServices(endpoint))]).toEqual([]);
});

describe.each([...new Set(suite.map(({ group }) => group))])('%s', (group) => {
  test.for(suite.filter((one) => one.group === group))('$title', ({ run }) => run(context));
});

const runs = Number(process.env['PROPERTY_RUNS'] ?? 40);
const seed = process.env['PROPERTY_SEED'];

test(`any history leaves a bucket as the model says (${runs} histories)`, { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) => play(context, steps)),
    { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );
});
