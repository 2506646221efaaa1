import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fileWith } from '../configuration/yaml.ts';
import { unpackCode } from '@s3-replicator/local-aws/lambda';
import { type Packaged, packaged } from './packaging.ts';
import { resource } from './statements.ts';

test('a wrong replication.yml stops the framework with our list of problems and nothing else', async () => {
  const failure = await packaged('name: 1a\nrules: []\n').then(
    () => null,
    (error: unknown) => error,
  );

  const message = failure instanceof Error ? failure.message : '';
  expect(message).toContain('replication.yml has 2 problems:');
  expect(message.match(/has 2 problems/g)).toHaveLength(1);
  expect(message).not.toMatch(/\n\s+at /);
});

test('packaging the same stack twice gives the same bytes, and only the functions that announce something contain a client of SNS', async () => {
  await using first = await packaged();
  await using second = await packaged();

  for (const name of ['replicate.zip', 'transfer.zip', 'subscribe.zip']) {
    expect((await first.zip(name)).equals(await second.zip(name)), name).toBe(true);
  }
  expect(await carriersOfSns(first.directory)).toEqual(['subscribe', 'backfill']);
});

const carriersOfSns = async (directory: string): Promise<string[]> => {
  const carriers: string[] = [];
  for (const name of ['replicate', 'subscribe', 'backfill', 'batch']) {
    const unpacked = await unpackCode(join(directory, `${name}.zip`), directory);
    const code = await readFile(
      join(unpacked.directory, `src/handlers/${HANDLERS[name] ?? name}.js`),
      'utf8',
    );
    if (code.includes('AmazonSimpleNotificationService')) carriers.push(name);
  }
  return carriers;
};

const HANDLERS: Record<string, string> = { batch: 'batch-operations' };

describe('a stack packaged with --region and --stage', () => {
  let stack: Packaged;
  beforeAll(async () => {
    const configuration = fileWith({ source: { prefix: 'a-telling-prefix/' } });
    stack = await packaged(configuration, { region: 'eu-north-1', stage: 'test' });
    return () => stack[Symbol.asyncDispose]();
  });

  test('the options --region and --stage change the region and stage of the packaged stack', () => {
    expect(resource(stack.template, 'ReplicateRole').Properties['RoleName']).toBe(
      's3-replicator-test-eu-north-1-replicate',
    );
  });

  test('a function has the validated rules in a file beside its bundle, which has no code that reads replication.yml', async () => {
    const unpacked = await unpackCode(join(stack.directory, 'replicate.zip'), stack.directory);
    const code = await readFile(join(unpacked.directory, 'src/handlers/replicate.js'), 'utf8');

    const rules = await readFile(join(unpacked.directory, 'src/handlers/replication.json'), 'utf8');
    expect(JSON.parse(rules)).toMatchObject({ rules: [{ source: { prefix: 'a-telling-prefix/' } }] });
    expect(code).not.toContain('a-telling-prefix/');
    for (const trace of ['ZodError', 'LineCounter', 'replication.yml has', 'fromIni'])
      expect(code).not.toContain(trace);
    // The code keeps its function names, so that they appear in stack traces.
    expect(code).toContain('replicateBatch');
  });
});
