/** The samples of docs/cli.md about dead letters are what the commands print in a terminal of 80 columns. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CheckedLetter, checkLines } from '../../src/cli/dead-letters/check-text.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { sqs, startQueues, stopQueues } from './redrive-queues.ts';
import { expectShown } from './cli-page.ts';
import { putDeadLetter, ROOT, run } from './run.ts';

beforeEach(startQueues);
afterEach(stopQueues);

const DENIED = 'PutObject in acme-archive: access denied (s3:PutObject for role s3-replicator-archive)';
const ARCHIVED = 'GetObject in acme-documents: the object is in storage class DEEP_ARCHIVE';

const fillQueue = (): void => {
  for (let n = 1; n <= 300; n += 1) {
    const key = `invoices/denied/2026/11/invoice-${String(n).padStart(4, '0')}.pdf`;
    putDeadLetter(sqs, { key, detail: DENIED }, n * 12_000);
  }
  for (let n = 1; n <= 70; n += 1)
    for (const destination of ['archive', 'acme-documents-replica']) {
      const key = `invoices/2019/ledger-${String(n).padStart(3, '0')}.csv`;
      putDeadLetter(sqs, { key, destination, reason: 'archived', detail: ARCHIVED }, 86_400_000);
    }
  putDeadLetter(sqs, {
    key: 'no-event',
    rule: null,
    destination: null,
    bucket: null,
    reason: 'malformed-message',
    detail: 'the body is not a JSON object',
  });
};

test('docs/cli.md shows what the commands for dead letters print', async () => {
  fillQueue();
  const folder = mkdtempSync(join(tmpdir(), 'dlq-samples-'));
  const printed = async (line: string, io: Partial<CliIo> = {}): Promise<string> => {
    const words = [...line.split(' '), ...(line.includes('discard') ? ['--export', join(folder, 'f')] : [])];
    const { out, err } = await run(words, { columns: 80, now: () => sqs.nowMs, ...io });
    const text = `$ npx s3-replicator ${line}\n${err}${out}`;
    return text.replaceAll(join(folder, 'f'), '/home/me/dead-letters-20261122T120000Z.ndjson');
  };
  const samples = [
    await printed('dlq list'),
    await printed('dlq list --each --reason malformed-message'),
    await printed('dlq redrive --dry-run --reason access-denied'),
    await printed('dlq redrive --reason access-denied', { ask: async () => 'y' }),
    await printed('dlq discard --reason malformed-message', { ask: async () => '1' }),
  ];
  rmSync(folder, { recursive: true });
  const document = readFileSync(`${ROOT}docs/cli.md`, 'utf8');
  expect(samples.filter((sample) => !document.includes(sample))).toEqual([]);
});

test('docs/cli.md shows the JSON of a redrive', async () => {
  for (const [n, reason] of (['archived', 'access-denied', 'kms'] as const).entries())
    putDeadLetter(sqs, { key: `${n}`, reason });
  const line = 'dlq redrive --json';
  const { out } = await run(line.split(' '), { now: () => sqs.nowMs });
  await expectShown([[line, out]]);
});

test('docs/cli.md shows what dlq check prints', async () => {
  const letters = (count: number, fields: Partial<CheckedLetter>): CheckedLetter[] =>
    Array.from({ length: count }, (_, index) => ({ ...CHECKED, id: `${fields.key}${index}`, ...fields }));
  const lines = checkLines(
    [
      ...letters(300, {}),
      ...letters(90, { ...KMS, verdict: 'acts', what: 'PutObject', key: 'photos/7.jpg' }),
      ...letters(25, { ...KMS, verdict: 'ends', what: 'unchanged', key: 'photos/8.jpg', isProbed: false }),
    ],
    {
      queue: { name: 's3-replicator-prod-live-dlq', region: 'us-east-1' },
      columns: 80,
      command: (words) => `npx s3-replicator ${words}`,
    },
  );
  await expectShown([['dlq check', lines.join('\n')]]);
});

const CHECKED: CheckedLetter = {
  id: '1',
  reason: 'access-denied',
  rule: 'invoices',
  destination: 'acme-documents-replica',
  bucket: 'acme-documents',
  key: 'invoices/denied/invoice-0000.pdf',
  version: null,
  verdict: 'fails',
  what: 'access-denied',
  detail: 'CreateMultipartUpload in destination bucket acme-documents-replica: AccessDenied',
  isProbed: true,
};
const KMS = { reason: 'kms', rule: 'media', destination: 'acme-media-replica', detail: null } as const;
