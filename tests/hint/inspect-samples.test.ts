import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { InspectDeps } from '../../src/lib/inspect/action.ts';
import { answerInspection } from '../../src/lib/inspect/inspect.ts';

test('events/ has a sample of each action of the inspect function', async () => {
  // A request without an action is answered before anything is used.
  const answer = await answerInspection({}, {} as InspectDeps);
  const actions = /must be one of ([\w, ]+):/.exec(JSON.stringify(answer))?.[1]?.split(', ') ?? [];
  expect(actions.length).toBeGreaterThan(1);
  const samples = readdirSync('events')
    .filter((file) => file.startsWith('inspect-'))
    .map((file): { inspect: string } => JSON.parse(readFileSync(`events/${file}`, 'utf8')));
  expect(samples.map(({ inspect }) => inspect).toSorted()).toEqual(actions.toSorted());
});
