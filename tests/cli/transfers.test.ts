/** `transfers list` on records in the format of the functions. */
import { expect, test } from 'vitest';
import { transfersWith } from '../../src/cli/transfers/transfers.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Transfer } from '../../src/lib/copy/transfer/transfer.ts';
import { run } from './run.ts';
import { GIB, NOW, transfer } from './sample-transfer.ts';

const list = (transfers: Transfer[], ...options: string[]) => {
  const all = async function* () {
    yield* transfers;
  };
  const commands = { transfers: transfersWith({ transfers: () => ({ all }) }) };
  return run(['transfers', 'list', ...options], { now: () => NOW }, commands);
};

test('transfers list shows the progress, the rate and the time left of each transfer', async () => {
  const { code, out, err } = await list([transfer()]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toBe(
    [
      'STATE   DONE      OF  LEFT  PARTS       RATE  WAY     RULE → DESTINATION  KEY',
      'moving  25 %  40 GiB    5m  10/40  102 MiB/s  stream  invoices → archive  invoices/large.bin',
      '',
      '1 transfer, 30 GiB to go.',
      '',
    ].join('\n'),
  );
});

test('transfers list shows a transfer without moved parts as waiting, without a rate', async () => {
  const { out } = await list([transfer({ seen: null, layout: { kind: 'uniform', partBytes: GIB } })]);
  expect(out).toMatch(/^waiting +0 % +40 GiB +- +0\/40 +- /m);
});

test('transfers list shows the reason and the fix of a failed transfer', async () => {
  const failure = { atMs: 0, reason: 'kms', detail: 'UploadPart: the key\u0007 is disabled' } as const;
  const { out } = await list([transfer({ failure })]);
  expect(out).toMatch(/^failed +25 % +40 GiB +- .* stream/m);
  expect(out).toContain('\n    kms: UploadPart: the key\\x07 is disabled\n    fix: Enable the KMS key');
});

test('transfers list shows the age of progress that was counted long ago', async () => {
  const { out } = await list([transfer({ seen: { parts: 1, bytes: GIB, atMs: NOW - 3_600_000 } })]);
  expect(out).toContain('    as of 1h ago\n');
});

test('transfers list shows the oldest transfer first, and escapes control characters in keys', async () => {
  const { out } = await list([transfer({ key: 'new\u202e' }), transfer({ key: 'old', startedMs: 0 })]);
  expect(out.indexOf('old')).toBeLessThan(out.indexOf('new\\u202e'));
});

test('transfers list without transfers says so', async () => {
  expect((await list([])).out).toBe('No transfers.\n');
  expect((await list([], '--json')).out).toBe('[]\n');
});

test('transfers list --json prints all fields, with unescaped keys', async () => {
  const failure = { atMs: 0, reason: 'kms', detail: 'no' } as const;
  const runs = [
    { parts: 30, bytes: GIB },
    { parts: 20, bytes: GIB / 2 },
  ];
  const { out } = await list(
    [transfer({ key: 'a\n', layout: { kind: 'sized', runs } }), transfer({ failure, startedMs: NOW })],
    '--json',
  );
  expect(JSON.parse(out)).toMatchObject([
    {
      rule: 'invoices',
      destination: 'archive',
      bucket: 'acme-documents',
      key: 'a\n',
      version: 'v1',
      destinationBucket: 'acme-archive',
      replicaKey: 'acme/invoices/large.bin',
      uploadId: 'upload-1',
      way: 'stream',
      state: 'moving',
      bytes: 40 * GIB,
      bytesDone: 10 * GIB,
      parts: 50,
      partsDone: 10,
      bytesPerSecond: Math.round(GIB / 10),
      secondsLeft: 300,
      started: '2026-11-22T11:58:20.000Z',
      seen: '2026-11-22T12:00:00.000Z',
      attempt: 0,
      failure: null,
      run: null,
    },
    {
      state: 'failed',
      bytesPerSecond: null,
      secondsLeft: null,
      failure: { reason: 'kms', fix: expect.any(String) },
    },
  ]);
});

test('transfers list names the fix if the table may not be read', async () => {
  const cause = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
  const all = () => {
    throw new ReplicationError('service-error', 'Scan in the table of transfers: no', { cause });
  };
  const commands = { transfers: transfersWith({ transfers: () => ({ all }) }) };
  const { code, err } = await run(['transfers', 'list'], {}, commands);
  expect(code).toBe(1);
  expect(err).toMatch(/^s3-replicator: Access denied: Scan in the table of transfers.*\nfix: /);
});

test('the help of transfers list shows all its options', async () => {
  expect((await run(['transfers', 'list', '--help'])).out).toContain('--json');
  expect((await run(['transfers'])).code).toBe(2);
});
