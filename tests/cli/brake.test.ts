/** `brake status` and `brake release` on a model of the record of the brakes. */
import { expect, test } from 'vitest';
import { brakeWith } from '../../src/cli/brake/brake.ts';
import { createMemoryBrakes } from '../model/memory-brakes.ts';
import { run } from './run.ts';
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'invoices/archive';
const DESTINATION = `bucket: acme-archive
        id: archive
        region: us-east-1
        roleArn: arn:aws:iam::222222222222:role/replication
        externalId: shared`;
const FILE = `rules:
  - id: invoices
    source:
      bucket: acme-documents
    deletes: replicate
    destinations:
      - ${DESTINATION}
`;

const world = async (held = 25) => {
  const store = createMemoryBrakes();
  await store.count(NAME, 0, { deletes: 7, expirations: 0, overwrites: 0 }, []);
  await store.close(NAME, { sinceMs: 0, why: 'too many' });
  for (let index = 0; index < held; index += 1)
    await store.hold(NAME, { key: `k${index}`, heldMs: 1_000, change: 'delete', kind: 'hint' });
  await store.hold(NAME, { key: 'later', heldMs: 9_000, change: 'delete', kind: 'hint' });
  const config = join(mkdtempSync(join(tmpdir(), 'brake-')), 'replication.yml');
  writeFileSync(config, FILE);
  const command = (argv: string[], typed: string | null = null) =>
    run(
      ['brake', ...argv, '--config', config],
      { now: () => 5_000, ask: typed === null ? null : async () => typed },
      { brake: brakeWith({ open: () => store }) },
    );
  return { store, command };
};

test('brake status shows what was counted, why the brake is closed, and how many keys are held', async () => {
  const { command } = await world();
  const { code, out } = await command(['status']);
  expect(code).toBe(0);
  expect(out.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['BRAKE', 'HELD', 'RULE → DESTINATION', 'DELETES', 'EXPIRATIONS', 'OVERWRITES', 'CLOSED FOR'],
    ['closed', '26', 'invoices → archive', '7', '0', '0', '5s'],
    ['too many'],
    [''],
  ]);
  expect(JSON.parse((await command(['status', '--json'])).out)).toEqual([
    {
      rule: 'invoices',
      destination: 'archive',
      destinationBucket: 'acme-archive',
      brake: 'closed',
      closedSince: '1970-01-01T00:00:00.000Z',
      why: 'too many',
      deletes: 7,
      expirations: 0,
      overwrites: 0,
      releasing: null,
      held: 26,
    },
  ]);
});

test('brake release shows what it will delete, and does nothing unless the id of the rule is typed', async () => {
  const { store, command } = await world();
  const refused = await command(['release'], 'yes');
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.out).toBe(
    [
      'invoices to archive: too many',
      'To be passed on in bucket acme-archive: 25 deletes and 0 overwrites',
      ...Array.from({ length: 20 }, (_, index) => `    delete  k${index}`),
      '    … and 5 keys more: --dry-run --json prints all',
      '',
    ].join('\n'),
  );
  expect((await command(['release'])).code).toBe(1);
  expect((await command(['release', '--dry-run'])).code).toBe(0);
  expect((await store.load(NAME)).closed).not.toBeNull();
  expect((await command(['release'], 'invoices')).code).toBe(0);
  expect(await store.load(NAME)).toMatchObject({ closed: null, releasedMs: 5_000, releasing: 'pass-on' });
});

test('brake release --json lists every key, but none that was held after the question', async () => {
  const { command } = await world();
  const { out } = await command(['release', '--dry-run', '--json']);
  const { dryRun, brakes } = JSON.parse(out);
  expect(dryRun).toBe(true);
  expect(brakes[0].keys).toHaveLength(25);
  expect(brakes[0].keys[0]).toEqual({ key: 'k0', change: 'delete', heldSince: '1970-01-01T00:00:01.000Z' });
});

test('brake release --keep opens the brake and forgets the list', async () => {
  const { store, command } = await world();
  expect((await command(['release', '--keep'], 'invoices')).out).toContain('To be forgotten');
  expect(await store.load(NAME)).toMatchObject({ closed: null, releasing: 'keep' });
});
