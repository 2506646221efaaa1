/** The version of the product is the one in package.json. `doctor` and people compare it on both sides. */
import { readFile } from 'node:fs/promises';
import { type Template, parseTemplate } from '@s3-replicator/local-aws/template';
import { expect, test } from 'vitest';
import { run } from '../cli/run.ts';
import { generatedTemplate } from './sample-stack.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

const versionsOf = (template: { Metadata?: unknown; Outputs: Record<string, { Value?: unknown }> }) => [
  template.Metadata,
  template.Outputs['Version']?.Value,
];
const EXPECTED = [{ 's3-replicator': { Version: version } }, version];

test('the destination template says in its metadata and its outputs which version it is of', async () => {
  const template: Template = parseTemplate(await readFile('destination/template.yml', 'utf8'));
  expect(versionsOf(template)).toEqual(EXPECTED);
});

test('the stack says in its metadata and its outputs which version was deployed', () => {
  expect(versionsOf(generatedTemplate())).toEqual(EXPECTED);
});

test('--version prints the version', async () => {
  expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});
