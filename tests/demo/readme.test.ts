/**
 * The README shows lines that the demo prints. `.ci/run` plays the demo and gives its output to this test:
 * `npm run demo | tee FILE; DEMO_OUTPUT=FILE npx vitest run tests/demo/readme.test.ts`
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const { DEMO_OUTPUT } = process.env;

/** Makes the outputs of all runs equal by removing what differs: times, rates and the width of the terminal. */
const comparable = (text: string): string =>
  text
    .replaceAll(/\d[\d.,:]*/g, '#')
    .replaceAll(/[kMG]B\/s/g, 'B/s')
    .replaceAll(/\s+/g, ' ')
    .trim();

test.runIf(DEMO_OUTPUT)('the demo prints the twelve lines of the README', () => {
  const [, sample = ''] = /^```\n(Uploading [^]*?)```/m.exec(readFileSync('README.md', 'utf8')) ?? [];
  const lines = sample.trimEnd().split('\n');
  expect(lines).toHaveLength(12);
  const printed = comparable(readFileSync(String(DEMO_OUTPUT), 'utf8'));
  expect(lines.map(comparable).filter((line) => !printed.includes(line))).toEqual([]);
});
