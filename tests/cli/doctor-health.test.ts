/** The last group of doctor: what it says about the state of a deployment. */
import { expect, test } from 'vitest';
import type { Context } from '../../src/cli/doctor/context.ts';
import { healthOf } from '../../src/cli/doctor/health.ts';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { isReadable } from '../../src/lib/state/deployment-state.ts';
import type { StateSources } from '../../src/lib/state/ports.ts';
import { createStateReader } from '../../src/lib/state/read-state.ts';
import { ROOT } from './run.ts';
import { EMPTY, healthy, NOW_MS, PAIRS } from './status-sources.ts';

const whole = loadConfiguration(`${ROOT}replication.yml`);
const context = { configuration: whole, whole, identity: null, now: () => NOW_MS } as unknown as Context;

const textsOf = async (sources: StateSources): Promise<string[]> => {
  const setting = { stack: 's', region: 'us-east-1', pairs: PAIRS, now: () => NOW_MS };
  const state = await createStateReader(sources, setting).read();
  return healthOf(context, state).flatMap(({ cause, text }) => (cause === null ? [] : [`${cause}: ${text}`]));
};

test('doctor says of dead letters how many there are, whether they grow, and why', async () => {
  expect(await textsOf(healthy())).toEqual([]);
  const deadLetters = async () => ({ live: { ...EMPTY, visible: 40 }, ranges: EMPTY, transfers: EMPTY });
  expect(await textsOf(healthy({ deadLetters }))).toEqual(['dead-letters: 40 dead letters']);
  const measures = await healthy().measures(PAIRS, NOW_MS);
  if (!isReadable(measures)) throw new Error('measures are readable');
  const [[name, one] = ['', undefined]] = measures.rules;
  if (one === undefined) throw new Error('there is a rule');
  const failing = { ...measures, rules: new Map([[name, { ...one, failedLastHour: 3 }]]) };
  const sources = healthy({
    deadLetters,
    measures: async () => failing,
    failures: async () => new Map([[name, 'access-denied']]),
  });
  expect(await textsOf(sources)).toEqual([
    'dead-letters: 40 dead letters, growing: 3 failures in the last hour (access-denied)',
  ]);
});
