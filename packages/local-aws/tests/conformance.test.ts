/**
 * Compares the local AWS with AWS's documents. Runs every behaviour of the conformance suite and random
 * histories of a bucket.
 */
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfirmations, unconfirmedTable } from '../conformance/confirmations.ts';
import type { Context } from '../conformance/context.ts';
import { connect, type Endpoint, missingNeeds } from '../conformance/endpoint.ts';
import { history, play } from '../conformance/history.ts';
import { ask, chooseQuestions } from '../conformance/doubtful/run.ts';
import { createResources, type Resources } from '../conformance/resources.ts';
import { createContext } from '../conformance/run.ts';
import { suite } from '../conformance/suite.ts';
import { type LocalAws, startLocalAws } from '../src/start/local-aws.ts';

let aws: LocalAws;
let endpoint: Endpoint;
let resources: Resources;
let context: Context;
beforeAll(async () => {
  aws = await startLocalAws();
  const credentials = aws.root('111111111111');
  setDefaultCACertificates([...getCACertificates(), aws.caPem]);
  const advance = (milliseconds: number): void => aws.clock.advance(milliseconds);
  endpoint = connect({ url: aws.endpoint, region: aws.region, credentials, advance });
  resources = createResources(endpoint);
  context = createContext(endpoint, resources);
});
afterAll(async () => {
  endpoint.close();
  await aws.stop();
});

test('the local AWS has everything that the conformance suite needs', async () => {
  expect([...(await missingNeeds(endpoint))]).toEqual([]);
});

test('the document lists the behaviours that no other server confirms', () => {
  const spaced = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---').trim();
  const document = readFileSync(new URL('../docs/behaviour.md', import.meta.url), 'utf8');
  const [, listed = ''] = /<!-- unconfirmed.*?-->(.*)<!-- end of unconfirmed -->/s.exec(document) ?? [];
  expect(spaced(listed)).toBe(spaced(unconfirmedTable(suite)));
});

test('all recorded confirmations name behaviours of the suite', () => {
  const { servers, evidence } = readConfirmations();
  const known = new Set(suite.map(({ name }) => name));
  const noted = [...Object.values(servers).flat(), ...Object.keys(evidence)];
  expect(noted.filter((name) => !known.has(name))).toEqual([]);
});

describe.each([...new Set(suite.map(({ group }) => group))])('%s', (group) => {
  test.for(suite.filter((one) => one.group === group))('$title', ({ run }) => run(context));
});

test('the questions that AWS’s documents leave open can be asked', async () => {
  const chosen = chooseQuestions(['trailerOnlyPart', 'undeclaredChecksum', 'mappingSwitch']);
  const answers = await ask(chosen, { endpoint, context, resources });
  expect(Object.fromEntries(answers.map(({ name, seen }) => [name, seen]))).toEqual({
    trailerOnlyPart: expect.stringMatching(/^(yes|refused: 400 InvalidRequest)/),
    undeclaredChecksum: expect.stringMatching(/^the right value: .*; a wrong value: refused: 400/),
    mappingSwitch: expect.stringMatching(
      /^Disabled after 3\d.* was processed 3\d.* after it was switched on$/,
    ),
  });
});

const runs = Number(process.env['PROPERTY_RUNS'] ?? 20);
const seed = Number(process.env['PROPERTY_SEED']);

test(`any history leaves a bucket as the model says (${runs} histories)`, { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) => play(context, steps)),
    { numRuns: runs, seed },
  );
});
