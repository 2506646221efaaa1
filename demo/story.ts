/** The steps of the demo. Each step is reported when it is done. */
import { statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { formatBytes, formatSeconds } from './amounts.ts';
import { boardLines, entrySentence, nameOf } from './board-text.ts';
import { createBoard, entryIsSettled } from './board.ts';
import type { Board, Entry } from './board.ts';
import { follow, uploadAll } from './follow.ts';
import { showLater } from './later.ts';
import { demoObjects, DOCUMENTS, LOCKED_PREFIX, MEDIA } from './objects.ts';
import type { DemoOptions } from './options.ts';
import { notificationIds, OTHER_TEAM_ENTRY, subscribeOtherTeam } from './other-team.ts';
import { refuseWrites, skipRetriesOfRefusals } from './refusal.ts';
import { replicaPlaces } from './replica-places.ts';
import { runReplicatorCli } from './replicator-cli.ts';
import { countS3Calls } from './s3-calls.ts';
import { summaryLines } from './summary.ts';
import type { Terminal } from './terminal.ts';
import { startTwoAccounts } from './two-accounts.ts';
import type { Step, TwoAccounts } from './two-accounts.ts';
import { verify } from './verify.ts';

/** Thrown when the demo cannot continue or both sides differ. The message describes the failure completely. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

export interface Teller {
  terminal: Terminal;
  options: DemoOptions;
  signal: AbortSignal;
}

/** Starts the accounts and deploys into them. The caller must stop the accounts. */
export const setUp = async ({ terminal, options, signal }: Teller): Promise<TwoAccounts> => {
  await checkDiskSpace(options.sizeBytes);
  heading(terminal, 'Starting two AWS accounts and deploying into them');
  const done = stepper(terminal);
  const region = 'us-east-1';
  return startTwoAccounts({
    deploy: 'serverless',
    // This source bucket has no versioning, unlike the other source bucket.
    sourceBuckets: { [MEDIA]: {} },
    before: ({ source }) => subscribeOtherTeam(source, region, DOCUMENTS),
    onStep: (step) => done(STEPS[step]),
    // In AWS each execution environment has its own processor. Here all environments share the processors of this machine, so only a few
    // run at once.
    lambda: { accountConcurrency: Math.min(10, 2 * availableParallelism()) },
    signal,
  });
};

const STEPS: Record<Step, string> = {
  started: 'accounts 111111111111 (source) and 222222222222 (destination) on 127.0.0.1',
  'destinations-deployed': 'destination/template.yml in 222222222222, once for each destination bucket',
  'stack-deployed': '`serverless deploy` in 111111111111, permissions enforced',
};

/** Runs all steps after the deployment. @throws DemoFailure */
export const tell = async (accounts: TwoAccounts, teller: Teller): Promise<void> => {
  const { terminal, options } = teller;
  await describeDeployment(accounts, terminal);
  const [locked] = replicaPlaces(accounts.configuration, { bucket: DOCUMENTS, key: LOCKED_PREFIX });
  if (locked === undefined)
    throw new DemoFailure(`replication.yml has no rule for ${DOCUMENTS}/${LOCKED_PREFIX}`);
  const { bucket, destination } = locked;
  const allowWrites = await refuseWrites(accounts.destination.s3(destination.region), bucket, locked.key);
  const calls = countS3Calls(accounts.aws);
  const board = createBoard(demoObjects(options.sizeBytes), (object) =>
    replicaPlaces(accounts.configuration, object),
  );

  heading(terminal, `Uploading ${board.entries.length} objects; ${bucket} refuses ${locked.key}*`);
  await replicate(accounts, board, teller);
  await redriveRefused(accounts, board, { ...teller, allowWrites, bucket });
  const verification = await verifyBothSides(accounts, teller, board);
  const summary = summaryLines({ accounts, board, calls, verification });

  heading(terminal, 'Changing objects after their replication');
  await showLater(accounts, stepper(terminal), teller.signal);

  heading(terminal, 'Summary');
  for (const line of summary) terminal.line(`  ${line}`);
};

const heading = (terminal: Terminal, text: string): void => {
  terminal.line();
  terminal.line(terminal.style('bold', text));
};

/** Returns a function to call at the end of each step. That function prints a sentence and how long the step took. */
const stepper = (terminal: Terminal): ((text: string) => void) => {
  let sinceMs = performance.now();
  return (text) => {
    const tookMs = performance.now() - sinceMs;
    const took = tookMs < 100 ? '' : terminal.style('dim', `  ${formatSeconds(tookMs)}`);
    terminal.line(`  ${terminal.style('green', '✔')} ${text}${took}`);
    sinceMs = performance.now();
  };
};

const checkDiskSpace = async (largeBytes: number): Promise<void> => {
  const neededBytes = 2 * largeBytes + 256 * 1024 ** 2;
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize >= neededBytes) return;
  throw new DemoFailure(
    `${tmpdir()} has ${formatBytes(bavail * bsize)} free, but the demo needs ${formatBytes(neededBytes)}: ` +
      'give a smaller --size, or another folder in TMPDIR.',
  );
};

const describeDeployment = async (accounts: TwoAccounts, terminal: Terminal): Promise<void> => {
  const ids = await notificationIds(accounts.source, DOCUMENTS);
  if (!ids.includes(OTHER_TEAM_ENTRY))
    throw new DemoFailure("the deployment removed another team's notification");
  const check = terminal.style('green', '✔');
  terminal.line(`  ${check} ${DOCUMENTS} notifies our queue, and still notifies the queue of another team`);
  for (const line of ruleLines(accounts)) terminal.line(terminal.style('dim', `    ${line}`));
};

const ruleLines = ({ configuration }: TwoAccounts): string[] =>
  configuration.replication.rules.flatMap(({ id, source, destinations }) => {
    const from = `${source.bucket}/${source.prefix}`;
    const events = source.events === 's3' ? 'S3 notifications' : 'EventBridge';
    return [
      `rule ${id}: ${from}, by ${events}, to`,
      ...destinations.map(
        ({ bucket, prefix, region }) => `  ${bucket}/${prefix ?? source.prefix} in ${region}`,
      ),
    ];
  });

const replicate = async (
  accounts: TwoAccounts,
  board: Board,
  { terminal, options, signal }: Teller,
): Promise<void> => {
  const told = new Map<Entry, string>();
  const tellChanges = (): void => {
    for (const entry of board.entries) {
      const news = newsOf(entry);
      if (news !== null && news !== told.get(entry)) terminal.line(`  ${news}`);
      if (news !== null) told.set(entry, news);
    }
  };
  // The table is used if it fits on the screen. It needs one line for each object, one for the title and one for the prompt.
  const isTable = terminal.isLive && terminal.rows > board.entries.length + 2 && terminal.columns >= 80;
  const show = isTable
    ? () => terminal.draw(boardLines(board, terminal.columns, terminal.style))
    : tellChanges;
  const timer = setInterval(show, 100);
  const stopSkipping = skipRetriesOfRefusals(accounts);
  try {
    const timeoutMs = 120_000 + options.sizeBytes / 10_000;
    await Promise.all([
      uploadAll(accounts, board, signal),
      follow(accounts, board, { onCheck: show, timeoutMs, signal }),
    ]);
    show();
  } finally {
    stopSkipping();
    clearInterval(timer);
    terminal.keep();
  }
};

/**
 * Returns the sentence for a log when an object is settled and, if the object is large, when its upload has ended. Returns null before
 * that.
 */
const newsOf = (entry: Entry): string | null => {
  if (entryIsSettled(entry)) return entrySentence(entry);
  const isLarge = entry.object.sizeBytes >= 64 * 1024 ** 2;
  return isLarge && entry.uploadedMs !== null ? `${nameOf(entry)}: uploaded` : null;
};

const redriveRefused = async (
  accounts: TwoAccounts,
  board: Board,
  { terminal, signal, allowWrites, bucket }: Teller & { allowWrites: () => Promise<void>; bucket: string },
): Promise<void> => {
  heading(terminal, 'Listing the failures and their reasons');
  const refused = board.entries.filter(({ replicas }) =>
    replicas.some(({ state }) => state === 'quarantined'),
  );
  const cli = async (...argv: string[]): Promise<void> => {
    terminal.line(`  ${terminal.style('dim', '$')} npx s3-replicator ${argv.join(' ')}`);
    // Its output is a pipe, which has no width of its own. It is shown with an indentation of two.
    const width = terminal.isLive ? { COLUMNS: String(terminal.columns - 2) } : {};
    const run = await runReplicatorCli(argv, { ...accounts.source.environment(), ...width }, signal);
    const output = run.stdout + run.stderr;
    for (const line of output.trimEnd().split('\n')) terminal.line(`  ${line}`.trimEnd());
    if (run.exitCode !== 0)
      throw new DemoFailure(`s3-replicator ${argv.join(' ')} exited with ${run.exitCode}`);
  };
  await cli('dlq', 'list');

  heading(terminal, 'Fixing the cause and redriving the messages');
  const done = stepper(terminal);
  await allowWrites();
  done(`the policy of ${bucket} allows the replicas again`);
  await cli('dlq', 'redrive');
  const redriven = stepper(terminal);
  await accounts.waitUntilReplicated(
    refused.map(({ object }) => object),
    { signal },
  );
  redriven(`${refused.map(nameOf).join(', ')} replicated`);
  await accounts.waitUntilQuiet({ signal });
};

const verifyBothSides = async (accounts: TwoAccounts, { terminal }: Teller, board: Board) => {
  heading(terminal, 'Verifying both sides');
  const done = stepper(terminal);
  const totalBytes = board.entries.reduce(
    (sum, { object, replicas }) => sum + object.sizeBytes * replicas.length,
    0,
  );
  let comparedBytes = 0;
  const show = (): void =>
    terminal.draw([`  comparing ${Math.floor((100 * comparedBytes) / Math.max(1, totalBytes))} %`]);
  const timer = setInterval(show, 100);
  const verification = await verify(accounts, (bytes) => {
    comparedBytes += bytes;
  }).finally(() => clearInterval(timer));
  terminal.clear();
  const { differences, replicas, bytes } = verification;
  if (differences.length > 0) {
    throw new DemoFailure(`the two sides differ:\n${differences.map((each) => `    ${each}`).join('\n')}`);
  }
  done(
    `${replicas} replicas, ${formatBytes(bytes)}: every byte, ETag, header and metadata entry equals that of the source`,
  );
  return verification;
};
