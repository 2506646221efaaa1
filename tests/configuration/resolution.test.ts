import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jsonSchema } from '../../src/lib/configuration/schema.ts';
import { loadConfiguration, parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { excessOfNames, resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { ROLE, destination, file, fileWith, rule } from './yaml.ts';

const DEFAULTS = {
  stack: {
    maximumConcurrency: 50,
    batchSize: 10,
    batchWindowSeconds: 0,
    logRetentionDays: 30,
    logLevel: 'INFO',
    doctor: true,
    loggedKeys: 'plain',
    lostSubscriptions: 'repair',
    metrics: 'standard',
    dashboard: true,
    alarms: { email: null, topicArn: null, oldestMessageMinutes: 30, errors: 1, throttles: 1 },
    tags: {},
    sourceKmsKeyArns: [],
    permissionsBoundary: null,
    rolePath: '/',
    kmsKeyArn: null,
    vpc: null,
    deploymentBucket: null,
  },
  transfers: { maximumConcurrency: 20 },
  deployment: { name: 's3-replicator', stage: 'prod', region: 'us-east-1' },
};

test('a minimal rule resolves to the documented defaults', () => {
  const { replication, stack, transfers, deployment } = parseConfiguration(fileWith({}));

  expect(replication).toEqual({
    name: 's3-replicator',
    rules: [
      {
        id: 'only',
        source: {
          bucket: 'source-bucket',
          prefix: '',
          suffix: '',
          events: 's3',
          roleArn: null,
          externalId: null,
          replicators: [],
          account: null,
          region: null,
          service: null,
        },
        exclude: [],
        destinations: [
          {
            id: 'replica-bucket',
            bucket: 'replica-bucket',
            region: 'us-east-1',
            roleArn: ROLE,
            externalId: 'shared-id',
            account: '222222222222',
            service: null,
            prefix: null,
            storageClass: null,
            minimumStorageClass: null,
            encryption: null,
            kmsKeyArn: null,
            objectLock: 'replicate',
            maxRetentionDays: 3_650,
            overMaxRetention: 'cap',
          },
        ],
        filter: { tags: {}, minimumBytes: null, maximumBytes: null },
        versions: 'all',
        deletes: 'ignore',
        copy: 'auto',
        stamp: true,
        replicas: 'ignore',
        tags: 'replicate',
        acl: 'ignore',
        announce: 'none',
        restore: null,
        brake: null,
        verify: null,
        limits: { requestsPerSecond: null, bytesPerSecond: null, hours: null },
      },
    ],
  });
  expect({ stack, transfers, deployment }).toEqual(DEFAULTS);
});

test('the options of a rule about versions, filters, attributes and archives are taken over unchanged', () => {
  const options = {
    filter: {
      tags: { class: 'secret', 'cost centre': '' },
      minimumBytes: 0,
      maximumBytes: 53_687_091_200_000,
    },
    versions: 'latest',
    deletes: 'replicate',
    copy: 'server-side',
    replicas: 'replicate',
    tags: 'ignore',
    acl: 'replicate',
    restore: { days: 7, tier: 'Bulk' },
  };
  const destinationOptions = { encryption: 'aws:kms:dsse', objectLock: 'governance' };
  const [resolved] = parseConfiguration(fileWith({ rule: options, destination: destinationOptions }))
    .replication.rules;

  expect(resolved).toMatchObject(options);
  expect(resolved?.destinations[0]).toMatchObject(destinationOptions);
});

test('a rule that names no restore tier uses the tier that S3 itself would use', () => {
  const { replication } = parseConfiguration(fileWith({ rule: { restore: { days: 1 } } }));

  expect(replication.rules[0]?.restore).toEqual({ days: 1, tier: 'Standard' });
});

test('the replication.yml in the repository is valid and spells out the defaults of the settings', () => {
  const { replication, stack, transfers } = loadConfiguration('replication.yml');

  expect(replication.rules.length).toBeGreaterThan(1);
  expect({ stack, transfers }).toMatchObject({
    stack: parseConfiguration(fileWith({})).stack,
    transfers: parseConfiguration(fileWith({})).transfers,
  });
});

test('--stage and --region take precedence over the file', () => {
  const { deployment } = parseConfiguration(fileWith({ top: { region: 'eu-west-1' } }), {
    stage: 'test',
    region: 'eu-central-1',
  });

  expect(deployment).toEqual({ name: 's3-replicator', stage: 'test', region: 'eu-central-1' });
});

test('an empty destination prefix removes the source prefix, and a missing destination prefix keeps it', () => {
  const text = file([
    rule('a', { bucket: 'source-bucket', prefix: 'in/' }, [
      destination('replica-1', { prefix: '' }),
      destination('replica-2'),
    ]),
  ]);

  const prefixes = parseConfiguration(text).replication.rules[0]?.destinations.map(({ prefix }) => prefix);
  expect(prefixes).toEqual(['', null]);
});

test('the KMS keys of all rules are granted, each once', () => {
  const key = 'arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012';
  const earlier = key.replace('12345678', '00000000');
  const source = (bucket: string) => ({ bucket, kmsKeyArn: key, kmsKeyArns: [earlier, key] });
  const text = file([
    rule('a', source('source-1'), [destination('replica-1')]),
    rule('b', source('source-2'), [destination('replica-2')]),
  ]);

  expect(parseConfiguration(text).stack.sourceKmsKeyArns).toEqual([earlier, key]);
});

test('the longest allowed name and stage still give names that AWS accepts', () => {
  const longest = { name: 'n'.repeat(39), stage: 'prod', region: 'us-east-1' };
  expect(excessOfNames(longest)).toBe(0);

  const names = resourceNames(longest);
  expect(names.liveQueue.length).toBeLessThanOrEqual(80);
  expect(names.deadLetterQueue.length).toBeLessThanOrEqual(80);
  for (const name of [
    names.replicateFunction,
    names.subscribeFunction,
    names.replicateRole,
    names.subscribeRole,
  ]) {
    expect(name.length).toBeLessThanOrEqual(64);
  }
});

test('the JSON schema in the repository equals the schema that the program generates', () => {
  const written: unknown = JSON.parse(readFileSync('docs/replication.schema.json', 'utf8'));
  expect(
    written,
    'run `npx s3-replicator config schema > docs/replication.schema.json`, then `npm run format`',
  ).toEqual(jsonSchema());
});
