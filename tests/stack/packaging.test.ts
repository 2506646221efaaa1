import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { FRAMEWORK_RESOURCES } from '../../src/stack/limits.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { fileWith } from '../configuration/yaml.ts';
import { unpackCode } from '@s3-replicator/local-aws/lambda';
import { type Packaged, packaged } from './packaging.ts';
import { ofType, resource } from './statements.ts';
import { PLATFORM } from './ten-configurations.ts';

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

test('only the functions that announce something contain a client of SNS', async () => {
  await using stack = await packaged();
  expect(await carriersOfSns(stack.directory)).toEqual(['subscribe', 'backfill']);
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
    const configuration = fileWith({
      source: { prefix: 'a-telling-prefix/' },
      top: { stack: JSON.parse(JSON.stringify(PLATFORM).replaceAll('eu-west-1', 'eu-north-1')) },
    });
    stack = await packaged(configuration, { region: 'eu-north-1', stage: 'test' });
    return () => stack[Symbol.asyncDispose]();
  });

  test('the options for platform teams reach what the framework creates: functions, log groups and its bucket', () => {
    const { kmsKeyArn, vpc, deploymentBucket } = PLATFORM;
    const key = kmsKeyArn.replace('eu-west-1', 'eu-north-1');
    const functions = ofType(stack.template, 'AWS::Lambda::Function');
    expect(functions.length).toBeGreaterThanOrEqual(5);
    for (const [id, { Properties }] of functions)
      expect(Properties, id).toMatchObject({
        KmsKeyArn: key,
        VpcConfig: { SubnetIds: vpc.subnetIds, SecurityGroupIds: vpc.securityGroupIds },
        Code: { S3Bucket: deploymentBucket },
      });
    const logGroups = ofType(stack.template, 'AWS::Logs::LogGroup');
    expect(logGroups).toHaveLength(functions.length);
    for (const [id, { Properties }] of logGroups) expect(Properties['KmsKeyId'], id).toBe(key);
    expect(ofType(stack.template, 'AWS::S3::Bucket')).toEqual([]);
    // Roles that the framework created would have neither a boundary nor a path of ours.
    for (const [id, { Properties }] of ofType(stack.template, 'AWS::IAM::Role'))
      expect(Properties, id).toMatchObject({ Path: PLATFORM.rolePath });
  });

  test('the framework adds no more resources than the count for the limit of CloudFormation allows for', () => {
    const own = stackOf(parseConfiguration(fileWith({}))).resources.Resources;
    const added = Object.keys(stack.template.Resources).filter((id) => !(id in own));
    expect(added).toContain('ReplicateLambdaFunction');
    expect(added.length).toBeLessThanOrEqual(FRAMEWORK_RESOURCES);
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
