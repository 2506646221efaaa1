/**
 * Shows what commands print, one after the other, on the terminal of this process. `width.test.ts` runs it in terminals of several widths.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_COMMANDS } from '../../../src/cli/all-commands.ts';
import { statusWith } from '../../../src/cli/status/status.ts';
import { brakeWith } from '../../../src/cli/brake/brake.ts';
import type { Command } from '../../../src/cli/terminal/command-group.ts';
import { PROGRAM, runCli } from '../../../src/cli/main.ts';
import { processIo } from '../../../src/cli/terminal/process-io.ts';
import { transfersWith } from '../../../src/cli/transfers/transfers.ts';
import { waitingWith } from '../../../src/cli/waiting/waiting.ts';
import { loadConfiguration } from '../../../src/lib/configuration/configuration.ts';
import { circuitName } from '../../../src/lib/model/rule.ts';
import { createMemoryBrakes } from '../../model/memory-brakes.ts';
import { createMemoryCircuitStore } from '../../model/memory-circuits.ts';
import type { StateSources } from '../../../src/lib/state/ports.ts';
import { awsEnvironment, putDeadLetter, ROOT } from '../run.ts';
import { createRunCommands } from '../run-commands.ts';
import { NOW, transfer } from '../sample-transfer.ts';
import { healthy } from '../status-sources.ts';
import { startScriptedSqs } from '../scripted-sqs.ts';

/** Keys that are longer than a terminal is wide. Their characters are one or two columns wide. */
const LONG = `invoices/2026/${'a-long-name-'.repeat(10)}end.pdf`;
const WIDE = `invoices/${'請求書/'.repeat(20)}株式会社.pdf`;
const RULE = 'the-rule-of-the-department-that-likes-long-names';
const BUCKET = 'acme-documents-replica-of-the-whole-department-in-frankfurt';

const FILE = `rules:
  - id: ${RULE}
    source: { bucket: acme-documents, prefix: 'invoices' }
    deletes: replicate
    destinations:
      - bucket: ${BUCKET}
        region: eu-central-1
        roleArn: arn:aws:iam::222222222222:role/s3-replicator-documents
        externalId: shared-id
`;

const io = processIo();
const cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
writeFileSync(join(cwd, 'replication.yml'), FILE);
writeFileSync(join(cwd, 'broken.yml'), FILE.replace('eu-central-1', `${' '.repeat(100)}frankfurt`));

const [destination] = loadConfiguration(join(cwd, 'replication.yml')).replication.rules[0]!.destinations;

const show = async (argv: readonly string[], commands: Record<string, Command> = {}): Promise<void> => {
  io.stdout.write(`\n$ ${argv.slice(0, 2).join(' ')}\n`);
  await runCli(argv, { ...io, cwd, columns: io.columns, now: () => NOW }, commands);
};

const showHelp = async (): Promise<void> => {
  await show(['--help']);
  const groups = new Set(Object.keys(PROGRAM.subcommands ?? {}).map((name) => name.split(' ')[0] ?? ''));
  for (const group of groups) await show([group, '--help']);
  for (const { name } of ALL_COMMANDS) await show([...name.split(' '), '--help']);
};

const showTables = async (): Promise<void> => {
  const failure = {
    atMs: 0,
    reason: 'kms',
    detail: `UploadPartCopy in bucket ${BUCKET}: the key is disabled`,
  } as const;
  const transfers = [
    transfer({ key: LONG, rule: RULE, destination: BUCKET }),
    transfer({ key: WIDE, rule: RULE, destination: BUCKET, failure, startedMs: NOW }),
  ];
  const all = async function* () {
    yield* transfers;
  };
  await show(['transfers', 'list'], { transfers: transfersWith({ transfers: () => ({ all }) }) });

  const brakes = createMemoryBrakes();
  const brake = `${RULE}/${BUCKET}`;
  await brakes.count(brake, 0, { deletes: 123_456, expirations: 1, overwrites: 0 }, []);
  await brakes.close(brake, {
    sinceMs: 0,
    why: `more than 10,000 deletes within an hour, the first of ${LONG}`,
  });
  for (const key of [LONG, WIDE])
    await brakes.hold(brake, { key, heldMs: 1, change: 'delete', kind: 'hint' });
  const braking = { brake: brakeWith({ open: () => brakes }) };
  await show(['brake', 'status'], braking);
  await show(['brake', 'release', '--dry-run'], braking);

  const circuits = createMemoryCircuitStore();
  const circuit = circuitName(destination!);
  await circuits.suspect(circuit, 'k', 0);
  await circuits.open(circuit, {
    sinceMs: 0,
    reason: 'no-answer',
    detail: `PutObject in ${BUCKET}: S3 did not answer`,
  });
  const queues = { receive: async () => [], letBack: async () => 0 };
  const open = async () => ({ circuits, count: async () => 1_234_567, queues });
  await show(['waiting', 'list'], { waiting: waitingWith({ open }) });
};

const showRuns = async (): Promise<void> => {
  const source = Object.fromEntries(
    [LONG, WIDE, ...Array.from({ length: 60 }, (_, index) => `k${index}`)].map((key) => [key, ['v1']]),
  );
  using commands = createRunCommands({ source, replica: { [WIDE]: ['longer'] } });
  commands.pace.steps = 3;
  const cli = async (...argv: string[]): Promise<void> => {
    io.stdout.write(`\n$ ${argv.slice(0, 2).join(' ')}\n`);
    const { stdout, stderr, columns } = io;
    await commands.cli(argv, { io: { stdout, stderr, columns } });
  };
  await cli('verify', 'start', '--rule', 'rule', '--local');
  await cli('backfill', 'start', '--rule', 'rule', '--prefix', '', '--yes', '--wait');
  await cli('backfill', 'list');
};

const showDeadLetters = async (): Promise<void> => {
  const sqs = await startScriptedSqs();
  Object.assign(process.env, awsEnvironment(sqs));
  for (const key of [LONG, WIDE, 'short.txt'])
    putDeadLetter(sqs, {
      key,
      rule: RULE,
      destination: BUCKET,
      detail: `PutObject in ${BUCKET}: AccessDenied: ${'no statement allows it '.repeat(6)}`,
    });
  const deployment = ['--region', 'eu-west-1'];
  await show(['dlq', 'list', ...deployment]);
  await show(['dlq', 'list', '--each', ...deployment]);
  await show(['dlq', 'redrive', '--dry-run', ...deployment]);
  await sqs.close();
};

/** Three screens, each with more runs than the one before. */
const showWatch = async (): Promise<void> => {
  const stopped = new AbortController();
  let draws = 0;
  const alarms: StateSources['alarms'] = async () =>
    Array.from({ length: draws + 1 }, (_, index) => ({
      alarm: `alarm-${index}`,
      state: 'ALARM' as const,
      since: new Date(NOW).toISOString(),
      description: '',
      command: 'npx s3-replicator dlq list',
    }));
  io.stdout.write('\n$ status --watch\n');
  const sleep = async (): Promise<void> => {
    draws += 1;
    if (draws === 3) stopped.abort();
  };
  await runCli(
    ['status', '--watch', '--config', `${ROOT}replication.yml`],
    // CloudWatch is asked once a minute.
    { ...io, columns: io.columns, interrupted: stopped.signal, sleep, now: () => NOW + draws * 60_000 },
    { status: statusWith({ open: () => healthy({ alarms }) }) },
  );
  io.stdout.write('$ end of status\n');
};

const showMistakes = async (): Promise<void> => {
  await show(['config', 'check']);
  await show(['config', 'check', '--config', 'broken.yml']);
  await show(['backfill', 'list', '--limt', '5', '--limit', '0', '--stage', '../stage']);
  await show(['dlq', 'list', '--config', 'there-is-no-such-file-in-this-folder.yml']);
};

for (const each of [showHelp, showTables, showRuns, showDeadLetters, showWatch, showMistakes]) await each();
rmSync(cwd, { recursive: true });
io.stdout.write('\nAll is shown.\n');
