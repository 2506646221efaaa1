/** Checks that the output of `explain` about a key is true of both sides, and agrees with the action of the next hint. */
import { expect } from 'vitest';
import { headlineOf } from '../../src/cli/explain/headline.ts';
import { nextText } from '../../src/cli/explain/facts.ts';
import type { InspectDeps } from '../../src/lib/inspect/action.ts';
import { explain, parseExplanation, type PlaceView } from '../../src/lib/inspect/explain.ts';
import type { Task } from '../../src/lib/model/task.ts';

const NOW_MS = 0;

/** The headlines that make a statement about the sides, and a test of each statement. */
const CLAIMS: readonly [says: RegExp, isTrue: (place: PlaceView) => boolean][] = [
  [/^Replicated: /, (place) => shows(place, 'source', 'object') && shows(place, 'replica', 'object')],
  [
    /^Deleted on both sides/,
    (place) => shows(place, 'source', 'marker') && !shows(place, 'replica', 'object'),
  ],
  [/^There is no such object at the source/, (place) => shows(place, 'source', 'absent')],
  [/^Deleted at the source/, (place) => !shows(place, 'source', 'object')],
  [/no replica is shown/, (place) => !shows(place, 'replica', 'object')],
  [/The replica stays|still shown at the destination/, (place) => shows(place, 'replica', 'object')],
  [/the destination has no such object/, (place) => !shows(place, 'replica', 'object')],
  [/the destination shows an older state/, (place) => shows(place, 'replica', 'object')],
  [/^The content is replicated/, ({ relation }) => relation.bytes !== 'differs'],
  [/^Archived at the source/, ({ next }) => next.kind === 'call' && next.call === 'RestoreObject'],
  [/^Left out by rule/, (place) => place.filter !== null || !shows(place, 'source', 'object')],
];

const shows = (place: PlaceView, side: 'replica' | 'source', kind: 'absent' | 'marker' | 'object'): boolean =>
  place[side].current?.kind === kind;

const DONE = /^(Replicated|Deleted|There is no such|Left out|Held|Being transferred|The next delete)/;

/** Explains the key of a task. The next hint contains only the key, like a hint of a backfill. Returns the headline. */
export const assertExplained = async (task: Task, deps: InspectDeps): Promise<string> => {
  const { rule, key, versionId } = task;
  const answer = await explain({ bucket: rule.source.bucket, key, version: versionId }, deps);
  const explanation = parseExplanation(answer);
  const place = explanation?.places[0];
  if (explanation === null || place === undefined) throw new Error('the key is not explained');
  const { headline } = headlineOf(
    { explanation, place, letter: null, run: null, log: { lines: [] } },
    NOW_MS,
  );
  const about = { headline, next: nextText(place, null) };
  const { next } = place;
  for (const [says, isTrue] of CLAIMS)
    if (says.test(headline)) expect({ ...about, isTrue: isTrue(place) }).toEqual({ ...about, isTrue: true });
  expect(place.announced ?? 'none').toBe(rule.announce);
  if (next.kind === 'done' && next.outcome === 'filtered' && shows(place, 'source', 'object'))
    expect(place.filter).not.toBeNull();
  if (next.kind === 'fails') expect(headline).toMatch(/^Not replicated: /);
  if (next.passedOver.length > 0) expect(headline).toMatch(/^Not replicated/);
  else if (next.kind === 'done') expect(headline).toMatch(DONE);
  if (next.kind === 'call') expect(headline).not.toMatch(/^(Replicated|Left out|Deleted on both)/);
  return headline;
};
