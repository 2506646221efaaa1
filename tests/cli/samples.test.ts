/**
 * The samples of docs/cli.md are what the commands print in a terminal of 80 columns. After a change run
 * `npx vitest run tests/cli/samples.test.ts -u`, which writes them anew. dlq-samples.test.ts has those of the dead-letter queue.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { runConfigKey } from '../../src/cli/config/config-key.ts';
import { runLogs } from '../../src/cli/explain/logs.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { transfersWith } from '../../src/cli/transfers/transfers.ts';
import { logLineIn } from '../../src/lib/inspect/log-lines.ts';
import { expectShown, type Sample } from './cli-page.ts';
import { createRunCommands, type RunCommands } from './run-commands.ts';
import { ROOT, run } from './run.ts';
import { GIB, NOW, transfer } from './sample-transfer.ts';

const TERMINAL = { columns: 80 };

const printed = async (line: string, io: Partial<CliIo> = {}, commands = {}): Promise<string> => {
  let text = '';
  const both = { ...TERMINAL, write: (more: string) => (text += more) };
  await run(line.split(' '), { ...TERMINAL, stdout: both, stderr: both, ...io }, commands);
  return text;
};

const BROKEN = `rules:
  - id: documents
    destinations: []
    source: { bucket: Acme }
`;

const brokenConfiguration = async (line: string): Promise<string> => {
  const cwd = mkdtempSync(join(tmpdir(), 's3-replicator-samples-'));
  writeFileSync(join(cwd, 'broken.yml'), BROKEN);
  return await printed(line, { cwd }).finally(() => rmSync(cwd, { recursive: true }));
};

const TRANSFERS = [
  transfer({
    key: 'invoices/scans.tar',
    version: { ...transfer().version, sizeBytes: 4_659 * GIB },
    layout: { kind: 'numbered', parts: 768 },
    startedMs: NOW - 3_600_000,
    seen: { parts: 476, bytes: 2_888 * GIB, atMs: NOW },
  }),
  transfer({
    startedMs: NOW - 60_000,
    failure: {
      atMs: NOW - 30_000,
      reason: 'kms',
      detail: 'UploadPartCopy in destination bucket acme-archive: KMS.DisabledException',
    },
  }),
];

const transfersList = (line: string): Promise<string> => {
  const all = async function* () {
    yield* TRANSFERS;
  };
  return printed(line, { now: () => NOW }, { transfers: transfersWith({ transfers: () => ({ all }) }) });
};

const logged = (time: string, fields: object) => {
  const about = { rule: 'media', destination: 'acme-media-replica', key: 'photos/7.jpg' };
  const line = JSON.stringify({ level: 'INFO', ...about, reason: 'access-denied', ...fields });
  return logLineIn(line, Date.parse(time)) ?? [];
};
const DENIED =
  'PutObject in destination bucket acme-media-replica: AccessDenied: not authorized to perform s3:PutObject';
const LOG = [
  logged('2026-11-30T13:50:01Z', { message: 'retry', ending: 'retry', detail: DENIED }),
  logged('2026-11-30T13:52:41Z', { message: 'quarantined', ending: 'quarantine', detail: DENIED }),
].flat();

const logsOf = (line: string): Promise<string> =>
  printed(
    line,
    { now: () => Date.parse('2026-11-30T14:00:00Z') },
    {
      logs: (argv: string[], io: CliIo) =>
        runLogs(argv, io, () => ({ find: async () => ({ lines: LOG, isComplete: true }) })),
    },
  );

const PUBLIC_KEY = 'wb30F2ZjLStp29Ia9VheZLoMU7yHc-NBP5rUEKY7qCA';

const configKey = async (): Promise<string> => {
  let out = '';
  const io = { stdout: { write: (text: string) => (out += text) }, columns: 80, cwd: ROOT, env: {} };
  await runConfigKey([], io as unknown as CliIo, async () => PUBLIC_KEY);
  return out;
};

const RULE = `
name: s3-replicator
region: us-east-1
rules:
  - id: invoices
    source:
      bucket: acme-documents
    destinations:
      - id: archive
        bucket: acme-archive
        region: eu-central-1
        roleArn: arn:aws:iam::222222222222:role/s3-replicator-archive
        externalId: acme-replication
    versions: latest
`;

const invoices = (from: number, to: number): Record<string, string[]> =>
  Object.fromEntries(
    Array.from({ length: to - from }, (_, index) => [
      `invoices/${from + index}.pdf`,
      [`invoice ${from + index}`.padEnd(40_000)],
    ]),
  );

/** Shows a run from its start to its end: what `--wait` prints and draws, its status half-way, and the list. */
const runSamples = async (): Promise<Sample[]> => {
  const options = { source: invoices(0, 120), replica: invoices(0, 85), pageSize: 1_000 };
  using commands = createRunCommands(options, { base: RULE });
  const start = 'backfill start --rule invoices --wait';
  const seen: string[] = [];
  const half: string[] = [];
  commands.pace.steps = 2;
  const { out, err } = await commands.cli(start.split(' '), {
    answers: ['y'],
    io: {
      ...TERMINAL,
      stderr: {
        isTTY: true,
        columns: 80,
        write: (text) => void seen.push(text),
      },
      sleep: async (ms) => {
        await commands.world.clock.sleep(ms);
        for (let step = 0; step < 2; step += 1) await commands.world.step();
        if (half.length === 0 && (await copiedOf(commands)) >= 20) half.push(await statusOf(commands));
      },
    },
  });
  expect(err).toBe('');
  const asked = out.replace('Run ', 'Start? [y/N] y\nRun ');
  const drawn = seen.map((text) => stripVTControlCharacters(text).trim());
  const bar = drawn.find((text) => text.includes(' copying: ') && text.includes(' left')) ?? '';
  const [id = ''] = commands.world.store.runs.keys();
  await commands.world.clock.sleep(3 * 3_600_000);
  const list = await commands.cli(['backfill', 'list'], { io: TERMINAL });
  return [
    [start, asked],
    [`backfill status ${id}`, half.join('')],
    ['backfill list', list.out],
    [null, `${bar}\n`],
  ];
};

const idOf = ({ world }: RunCommands): string => [...world.store.runs.keys()][0] ?? '';
const copiedOf = async (commands: RunCommands): Promise<number> =>
  (await commands.world.store.copied(idOf(commands))).done;
const statusOf = async (commands: RunCommands): Promise<string> =>
  (await commands.cli(['backfill', 'status', idOf(commands)], { io: TERMINAL })).out;

const verifyLocal = async (line: string): Promise<string> => {
  const content = (name: string, size: number): string[] => [name.padEnd(size)];
  using commands = createRunCommands(
    {
      source: {
        'invoices/2026/a.pdf': content('a', 500),
        'invoices/2026/b.pdf': content('b', 7_000),
        'invoices/2026/c\n.pdf': content('c', 700),
      },
      replica: {
        'invoices/2019/z.pdf': content('z', 44),
        'invoices/2026/a.pdf': content('a', 500),
        'invoices/2026/b.pdf': content('b', 6_000),
      },
    },
    { base: RULE },
  );
  return (await commands.cli(line.split(' '), { io: TERMINAL })).out;
};

const samples = async (): Promise<Sample[]> => {
  const of = async (line: string, print: (line: string) => Promise<string> = printed): Promise<Sample> => [
    line,
    await print(line),
  ];
  return [
    await of('dlq list --resaon kms'),
    await of('config check --config broken.yml', brokenConfiguration),
    await of('config destination --rule media --source-account 111111111111'),
    await of('config key', configKey),
    await of('config policy --rule invoices'),
    await of('transfers list', transfersList),
    await of('logs --rule media --key photos/7.jpg --since 3h', logsOf),
    await of('verify start --rule invoices --local', verifyLocal),
    ...(await runSamples()),
  ];
};

test('docs/cli.md shows what the commands print', async () => {
  await expectShown(await samples());
});
