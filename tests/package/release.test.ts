import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const WORKFLOW = '.github/workflows/release.yml';

test('every npm script of the release workflow also runs in .ci/run', () => {
  const text = readFileSync(WORKFLOW, 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  const { steps }: { steps: { run?: string }[] } = parse(text).jobs.release;
  const scripts = steps.flatMap(({ run = '' }) => run.match(/^npm (?:ci|test|run \S+)/) ?? []);
  expect(scripts.length).toBeGreaterThanOrEqual(5);
  const checked = readFileSync('.ci/run', 'utf8').replaceAll('--silent ', '');
  for (const script of scripts) expect(checked, script).toMatch(new RegExp(`^${script}\\b`, 'm'));
});
