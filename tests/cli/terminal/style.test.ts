import { expect, test } from 'vitest';
import { styleFor } from '../../../src/cli/terminal/style.ts';
import { run } from '../run.ts';

const RED = '\u001b[31m';

test.each([
  ['a terminal', true, {}, true],
  ['a pipe', undefined, {}, false],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
  ['a terminal that knows no escape sequences', true, { TERM: 'dumb' }, false],
  ['a pipe with FORCE_COLOR', undefined, { FORCE_COLOR: '1' }, true],
  ['a terminal with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ['a pipe with both FORCE_COLOR and NO_COLOR', undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('%s shows colours as it should', (_, isTTY, env, isColoured) => {
  const output = { write: () => undefined, ...(isTTY && { isTTY }) };
  expect(styleFor(output, env)('red', 'no').includes(RED)).toBe(isColoured);
});

test('the title of an error is red in a terminal', async () => {
  let err = '';
  const stderr = { isTTY: true, write: (text: string) => (err += text) };
  await run(['dql'], { stderr, env: {} });
  expect(err).toContain(`${RED}s3-replicator: Unknown command:`);
});
