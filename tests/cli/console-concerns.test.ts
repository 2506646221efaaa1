/** When the console says that a deployment is well. */
import { expect, test } from 'vitest';
import { concernsIn } from '../../src/cli/console/page/concerns.ts';
import { createStateReader } from '../../src/lib/state/read-state.ts';
import type { StateSources } from '../../src/lib/state/ports.ts';
import { EMPTY, healthy, NOW_MS, PAIRS } from './status-sources.ts';

const concerns = async (more: Partial<StateSources> = {}) => {
  const setting = { stack: 's', region: 'us-east-1', pairs: PAIRS, now: () => NOW_MS };
  return concernsIn(await createStateReader(healthy(more), setting).read());
};

test('a healthy deployment is well', async () => {
  expect(await concerns()).toEqual([]);
});

test('dead letters, an alarm and a permission that is missing each keep a deployment from being well', async () => {
  const dead = { live: { ...EMPTY, visible: 2 }, ranges: EMPTY, transfers: { ...EMPTY, inFlight: 1 } };
  expect(await concerns({ deadLetters: async () => dead })).toEqual([
    { text: '2 dead letters wait for a person.', next: { to: '/letters', label: 'See why' } },
    {
      text: '1 message of transfers waits in a dead-letter queue.',
      next: { to: '/doctor', label: 'Ask doctor' },
    },
  ]);
  const alarm = { since: null, description: '', command: 'npx s3-replicator brake status' };
  expect(
    await concerns({
      alarms: async () => [
        { ...alarm, alarm: 'deletes-paused', state: 'ALARM' },
        { ...alarm, alarm: 'quiet', state: 'INSUFFICIENT_DATA' },
      ],
    }),
  ).toEqual([{ text: 'The alarm deletes-paused is on.', next: { command: 'brake status' } }]);
  expect(await concerns({ measures: async () => ({ notReadable: 'cloudwatch:GetMetricData' }) })).toEqual([
    {
      text: 'You may not cloudwatch:GetMetricData, so a part of this is not known.',
      next: { command: 'config policy --read-only' },
    },
  ]);
});
