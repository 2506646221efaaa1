/** docs/recipes.md shows the event of a replica as the code writes it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DETAIL_TYPE, EVENT_SOURCE } from '../../src/lib/model/replica-event.ts';
import { EVENT } from '../upgrade/samples.ts';

const blocks = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8')
  .split('```json\n')
  .slice(1)
  .map((text) => JSON.parse(text.split('```')[0] ?? ''));

test('the documented event has every field of the event, and the documented pattern names its source and type', () => {
  const [event, pattern] = blocks;
  expect(event).toMatchObject({ source: EVENT_SOURCE, 'detail-type': DETAIL_TYPE });
  expect(event.detail).toEqual(EVENT);
  expect(pattern).toMatchObject({ source: [EVENT_SOURCE], 'detail-type': [DETAIL_TYPE] });
});
