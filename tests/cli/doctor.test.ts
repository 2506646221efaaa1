/** Doctor before the first deployment: what can be seen from here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalAws, type LocalAws } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { setAwsVariables } from '../model/aws-variables.ts';
import { CONFIGURATIONS } from '../stack/ten-configurations.ts';
import { run } from './run.ts';

const ACCOUNT = '111111111111';
let aws: LocalAws;
let folder: string;
/** The buckets that exist. All configurations are in the same region. */
const made = new Set<string>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  aws = await startLocalAws({ region: 'eu-west-1' });
  // Doctor asks nothing of queues before the deployment, so their policies, which refuse HTTP, do not matter.
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials: aws.root(ACCOUNT) });
});
afterAll(async () => {
  await aws.stop();
  rmSync(folder, { recursive: true });
});

const examine = async (name: string, text: string, stage = 'prod') => {
  const file = join(folder, `${name}.yml`);
  writeFileSync(file, text);
  const { code, out } = await run(['doctor', '--config', file, '--stage', stage, '--json']);
  return { code, findings: JSON.parse(out).findings as { verdict: string; cause: string; text: string }[] };
};

const createBuckets = (text: string, stage: string | undefined): void => {
  const { replication, backfill, deployment } = parseConfiguration(text, { stage });
  const { region } = deployment;
  const names = [
    ...replication.rules.map(({ source }) => source.bucket),
    backfill.report?.bucket ?? [],
  ].flat();
  for (const name of names) {
    if (made.has(name)) continue;
    made.add(name);
    aws.s3.createBucket({ name, accountId: ACCOUNT, region, VersioningConfiguration: { Status: 'Enabled' } });
  }
};

test.each(Object.entries(CONFIGURATIONS).filter(([name]) => name !== 'govcloud'))(
  'before the first deployment doctor has no error about the configuration "%s"',
  async (name, { text, stage }) => {
    createBuckets(text, stage);
    const { code, findings } = await examine(name, text, stage);
    expect(findings.filter(({ verdict }) => verdict === 'error')).toEqual([]);
    expect(code).toBe(0);
    expect(findings.map(({ text: said }) => said)).toContain(
      'not deployed yet: what follows is what can be seen from here',
    );
  },
);

test('a source bucket that does not exist, or that is in another region, is named before the deployment', async () => {
  const { text = '' } = CONFIGURATIONS['plain'] ?? {};
  aws.s3.createBucket({ name: 'far-away', accountId: ACCOUNT, region: 'eu-central-1' });
  const missing = await examine('missing', text.replaceAll('acme-documents', 'nobody-has-this'));
  expect(missing.findings.map(({ cause }) => cause)).toContain('source-missing');
  const far = await examine('far', text.replaceAll('acme-documents', 'far-away'));
  expect(far.findings.filter(({ cause }) => cause === 'source-other-region')).toMatchObject([
    { text: 'is in eu-central-1, the stack in eu-west-1' },
  ]);
});

test('a mistake in replication.yml is a finding, and nothing else is asked', async () => {
  const { code, findings } = await examine('broken', 'name: acme\nrules: []\n');
  expect(code).toBe(1);
  expect(findings.map(({ cause }) => cause)).toEqual(['configuration']);
});
