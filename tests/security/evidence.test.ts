/** What has to outlive mistakes and attacks: receipts, runs, dead letters and reports. */
import { createHash } from 'node:crypto';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { startLocalAws } from '@s3-replicator/local-aws';
import { expect, test, vi } from 'vitest';
import { createReporter } from '../../src/lib/aws/reporter.ts';
import { createEnvironment } from '../../src/lib/aws/environment.ts';
import { createReportFiles } from '../../src/lib/aws/s3/report-bucket.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { advance } from '../../src/lib/runs/phases.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { startLocalBuckets } from '../adapters/local-buckets.ts';
import { fileWith } from '../configuration/yaml.ts';
import { fortyKeys } from '../runs/histories.ts';
import { createWorld } from '../runs/run-world.ts';
import { aReport, copied, digestOf } from '../runs/runs.ts';
import { generatedTemplate } from '../stack/sample-stack.ts';

const PLACE = { accountId: '111111111111', region: 'eu-west-1', stackName: 'acme-replication-test' };
const TABLES = ['idempotency', 'runs', 'transfers'].map((name) => `acme-replication-test-${name}`);

/** Returns a template of the resources that outlive the stack, and of a queue that cannot be created if its name is taken. */
const template = (): { Resources: Record<string, object> } => {
  const { Resources } = generatedTemplate();
  const kept = Object.entries(Resources).filter(([, resource]) => 'DeletionPolicy' in resource);
  const Other = {
    Type: 'AWS::SQS::Queue',
    DependsOn: kept.map(([id]) => id),
    Properties: { QueueName: 'taken' },
  };
  return { Resources: { ...Object.fromEntries(kept), Other } };
};

const started = async () => {
  const aws = await startLocalAws({ region: PLACE.region });
  const tables = aws.dynamodb.tables(PLACE.accountId, PLACE.region);
  return {
    aws,
    tableNames: async () => (await tables.call('ListTables', {})).body['TableNames'],
    queueNames: () =>
      aws.sqs.queues
        .list(PLACE.accountId, PLACE.region)
        .map(({ name }) => name)
        .toSorted(),
    deploy: () => aws.cloudformation.deploy({ ...PLACE, template: JSON.stringify(template()) }),
    [Symbol.asyncDispose]: () => aws.stop(),
  };
};

test('whoever removes the stack by mistake removes no receipts, runs, transfers or dead letters', async () => {
  await using local = await started();
  await local.deploy();
  await local.aws.cloudformation.remove(PLACE);
  expect(await local.tableNames()).toEqual(TABLES);
  expect(local.queueNames()).toEqual(['acme-replication-test-live-dlq']);
});

test('a first deployment that fails leaves nothing behind, and nothing blocks its rollback', async () => {
  await using local = await started();
  local.aws.sqs.queues.create({ accountId: PLACE.accountId, region: PLACE.region, name: 'taken' }, {});
  await expect(local.deploy()).rejects.toThrow('ROLLBACK_COMPLETE');
  expect(await local.tableNames()).toEqual([]);
  expect(local.queueNames()).toEqual(['taken']);
});

test('whoever may write into the report bucket cannot change a report unnoticed, because the run has its SHA-256', async () => {
  await using local = await startLocalBuckets();
  local.createSource('reports');
  const { clients } = local;
  const place = {
    clients,
    bucket: 'reports',
    account: null,
    prefix: 'of/',
    stack: 'acme-prod',
    loggedKeys: 'plain' as const,
  };
  const files = createReportFiles(place);
  const stored = async (Key: string): Promise<string> => {
    const { Body } = await local.sourceOwner.send(new GetObjectCommand({ Bucket: 'reports', Key }));
    return (await Body?.transformToString()) ?? '';
  };
  const sha256 = async (Key: string): Promise<string> =>
    createHash('sha256')
      .update(await stored(Key))
      .digest('hex');
  const writer = files.differences('run-1', 'differences/a.csv');
  await writer.write([{ key: 'k', difference: 'missing', source: null, replica: null, reason: null }]);
  const file = await writer.close();
  expect(file).toMatchObject({ key: expect.any(String), rows: 1, sha256: await sha256(file.key) });

  const report = { ...aReport(), run: 'run-1', files: [{ bucket: 'reports', ...file }] };
  const digests = await files.report(report);
  const folder = 'of/acme-prod/run-1';
  expect(digests).toEqual({
    'report.json': await sha256(`${folder}/report.json`),
    'report.html': await sha256(`${folder}/report.html`),
  });
  expect(await stored(`${folder}/report.json`)).toContain(file.sha256);
});

test('the SHA-256 in the record of a run is that of the stored report, also if two workers end the run at the same time', async () => {
  const world = createWorld(fortyKeys());
  const { id } = await world.start({ kind: 'verify' });
  const run = world.store.runs.get(id);
  if (run === undefined) throw new Error('the run was not stored');
  world.store.runs.set(id, { ...run, openRanges: 0 });

  const slow = world.deps();
  if (slow.files === null) throw new Error('no report is written');
  const { report } = slow.files;
  let isFirst = true;
  const files = {
    ...slow.files,
    report: async (...given: Parameters<typeof report>) => {
      if (isFirst) {
        isFirst = false;
        await world.clock.sleep(1_000);
        await advance(id, world.deps());
      }
      return await report(...given);
    },
  };
  await advance(id, { ...slow, files });
  expect(world.reports.length).toBeGreaterThan(1);
  expect(world.store.runs.get(id)).toMatchObject({
    phase: 'finished',
    digests: { 'report.json': digestOf(world.reports.at(-1)!) },
  });
});

const SECRET = 'patients/jane doe.pdf';

test('with `loggedKeys: hashed` whoever reads logs learns no keys, neither of lines nor of texts within them', () => {
  const lines: string[] = [];
  const configuration = parseConfiguration(fileWith({ top: { stack: { loggedKeys: 'hashed' } } }));
  const stack = stackOf(configuration);
  const hashed = { LOGGED_KEYS: 'hashed' };
  expect([stack.backfillEnvironment, stack.inspectEnvironment]).toMatchObject([hashed, hashed]);
  const variables = { ...stack.replicateEnvironment, AWS_REGION: PLACE.region } as NodeJS.ProcessEnv;
  const environment = createEnvironment(variables, configuration.replication, 'write');
  const { logger } = environment;
  const keep = (line: unknown): void => void lines.push(String(line));
  for (const level of ['info', 'warn', 'error'] as const)
    vi.spyOn(logger['console'], level).mockImplementation(keep);
  const about = {
    rule: 'r',
    sourceBucket: 's',
    destinationBucket: 'd',
    destination: 'd',
    version: null,
    attempts: 1,
    sizeBytes: null,
    firstSeen: null,
  };
  createReporter(logger, environment).report({
    ...about,
    key: SECRET,
    ending: 'quarantine',
    reason: 'access-denied',
    detail: `GetObject of ${SECRET}`,
    requestId: null,
  });
  logger.info('range', { from: SECRET });
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain('jane');
  const hash = createHash('sha256').update(SECRET).digest('hex');
  expect(lines.join().split(hash)).toHaveLength(4);
});

test('with `loggedKeys: hashed` a report that is shared names no keys', async () => {
  await using local = await startLocalBuckets();
  local.createSource('reports');
  const place = {
    clients: local.clients,
    account: null,
    bucket: 'reports',
    prefix: '',
    stack: 's',
    loggedKeys: 'hashed' as const,
  };
  const files = createReportFiles(place);
  const writer = files.differences('run-1', 'a.csv');
  await writer.write([{ key: SECRET, difference: 'missing', source: null, replica: null, reason: null }]);
  await writer.close();
  const largest = [{ key: SECRET, bytes: 1, durationMs: 1 }];
  await files.report({ ...aReport({ copied: copied({ largest, slowest: largest }) }), run: 'run-1' });
  for (const name of ['a.csv', 'report.json', 'report.html']) {
    const object = { Bucket: 'reports', Key: `s/run-1/${name}` };
    const { Body } = await local.sourceOwner.send(new GetObjectCommand(object));
    const text = (await Body?.transformToString()) ?? '';
    expect(text).not.toContain('jane');
    expect(text).toContain(createHash('sha256').update(SECRET).digest('hex'));
  }
});
