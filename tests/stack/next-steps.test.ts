import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { nextSteps } from '../../src/stack/next-steps.ts';
import { fileWith } from '../configuration/yaml.ts';
import { run } from '../cli/run.ts';

const configuration = parseConfiguration(fileWith({}));

test('a deployment ends with three lines that fit the terminal', () => {
  const lines = nextSteps(configuration, {});
  expect(lines).toEqual([
    'npx s3-replicator config destination  # roles at the destinations',
    'npx s3-replicator backfill start --rule only  # what was there before',
    'npx s3-replicator dlq list  # what failed, and its fix',
  ]);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(78);
  expect(nextSteps(configuration, { stage: 'prod' })).toEqual(lines);
});

test('the commands after a deployment name the stage and the region that were given, and exist', async () => {
  const { out: help } = await run(['--help']);
  for (const line of nextSteps(configuration, { stage: 'test', region: 'eu-west-1' })) {
    expect(line).toContain(' --stage test --region eu-west-1  #');
    const [, , group, name] = line.split(' ');
    expect(help).toContain(`  ${group} ${name} `);
  }
});
