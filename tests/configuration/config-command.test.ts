import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../cli/run.ts';
import { destination, file, fileWith, rule } from './yaml.ts';

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-config-'));
});

afterEach(() => rm(cwd, { recursive: true }));

const check = async (text: string, ...options: string[]) => {
  await writeFile(join(cwd, 'replication.yml'), text);
  return run(['config', 'check', ...options], { cwd });
};

test('the config command shows the resolved rules with the meaning of the defaults', async () => {
  const { code, out, err } = await check(
    file([
      rule('invoices', { bucket: 'acme-documents', prefix: 'in/', suffix: '.pdf' }, [
        destination('acme-replica', { prefix: 'out/', storageClass: 'STANDARD_IA', id: 'second' }),
      ]),
    ]),
    '--stage',
    'test',
  );

  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('s3-replicator-test-us-east-1-replicate');
  expect(out).toContain('from  s3://acme-documents/in/*.pdf, notified by S3');
  expect(out).toContain('to    s3://acme-replica/out/*.pdf, us-east-1');
  expect(out).toContain('called second, as STANDARD_IA');
  expect(out).toContain('versions all, deletes ignore');
  expect(out).toContain('replicas ignore, tags replicate, acl ignore, archived objects quarantined');
  expect(out).not.toContain('only  ');
});

test('the config command shows how a rule filters, encrypts, locks and restores', async () => {
  const { out } = await check(
    fileWith({
      rule: { filter: { tags: { class: 'public' }, maximumBytes: 10 }, restore: { days: 2, tier: 'Bulk' } },
      destination: { encryption: 'AES256', objectLock: 'governance', maxRetentionDays: 100 },
    }),
  );

  expect(out).toContain('only  tag class=public, at most 10 bytes');
  expect(out).toContain('archived objects restored for 2 days at tier Bulk');
  expect(out).toContain('encryption AES256, object lock governance, for 100 days at most (longer: cap)');
});

test('a longer lock than the stack of a destination allows by default is shown with the parameter that the stack needs', async () => {
  const lock = async (maxRetentionDays: number) =>
    (await check(fileWith({ destination: { maxRetentionDays } }))).out.match(/object lock .*/)?.[0];
  expect(await lock(3_650)).toBe('object lock replicate, for 3650 days at most (longer: cap)');
  expect(await lock(4_000)).toBe(
    'object lock replicate, for 4000 days at most (longer: cap): its stack needs MaxRetentionDays=4000',
  );
});

test('config --json prints the whole configuration and the names of the resources to deploy', async () => {
  const { code, out } = await check(fileWith({}), '--json');

  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    ok: true,
    replication: { rules: [{ id: 'only' }] },
    stack: { maximumConcurrency: 50 },
    resources: { liveQueue: 's3-replicator-prod-live' },
  });
});

test('the config command writes problems to standard error and exits with code 1', async () => {
  const { code, out, err } = await check(fileWith({ top: { name: '1a' }, rule: { versions: 'some' } }));

  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('replication.yml has 2 problems:');
});

test('config --json prints problems as data', async () => {
  const { code, out } = await check(fileWith({ top: { name: '1a' } }), '--json');

  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    file: 'replication.yml',
    problems: [{ path: 'name', line: 1 }],
  });
});

test('the config command reports a missing file with advice', async () => {
  const { code, err } = await run(['config', 'check', '--config', 'other.yml'], { cwd });

  expect(code).toBe(1);
  expect(err).toMatch(/other\.yml[^]*create the file/);
});

test('the config command finds before a deployment that the buckets do not fit into one stack', async () => {
  const many = Array.from({ length: 200 }, (_, index) =>
    rule(`rule-${index}`, { bucket: `acme-documents-${index}` }, [destination(`replica-${index}`)]),
  );

  expect((await check(file(many))).err).toContain('split the rules into 2 stacks');
});

test('config without arguments explains itself, and a mistyped command is recognised', async () => {
  expect(await run(['config'], { cwd })).toMatchObject({
    code: 2,
    err: expect.stringContaining('config check'),
  });
  expect(await run(['config', 'chekc'], { cwd })).toMatchObject({
    code: 2,
    err: expect.stringContaining('Did you mean "check"?'),
  });
});

test('config schema prints a JSON schema', async () => {
  const { code, out } = await run(['config', 'schema'], { cwd });

  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ type: 'object', required: ['rules'] });
});
