/**
 * Implements `--local`, which lists both buckets in this process. A verify shows the differences. A backfill sends them as hints to the
 * replicate function of the stack.
 */
import { agrees, basesText, verdictOf } from '../../lib/runs/report/comparison-text.ts';
import type { CompareCounters, RunSpec } from '../../lib/runs/run.ts';
import { byteText, countOf } from '../../lib/text/amounts.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';
import { differenceHeader, differenceLine } from './difference-text.ts';
import { estimateDifferences } from './run-estimate.ts';
import { compareLocally, type LocalUse } from './run-local.ts';
import type { RunPorts } from './run-ports.ts';
import type { StartCommand } from './run-request.ts';
import { askBefore } from './run-start.ts';
import { estimateLines, runTitle } from './run-text.ts';

/** Shows each difference when it is found. At the end, shows whether both sides agree. Resolves to the exit code. */
export const verifyLocally = async (command: StartCommand): Promise<number> => {
  const { request, io } = command;
  const { specs, json } = request;
  if (request.reading !== 'none') {
    const asked = await askBefore(command);
    if ('exitCode' in asked) return asked.exitCode;
  }
  let isEqual = true;
  for (const spec of specs) {
    let hasRows = false;
    const onRows: LocalUse['onRows'] = (rows) => {
      if (!hasRows && !json) io.stdout.write(differenceHeader());
      hasRows = true;
      const { rule, destination } = spec;
      for (const row of rows)
        io.stdout.write(
          json ? `${JSON.stringify({ rule, destination, ...row })}\n` : differenceLine(row, io.columns),
        );
    };
    const { counted, isComplete } = await compareLocally(spec, command, { sendHints: null, onRows });
    if (!isComplete) return interrupted(io);
    isEqual &&= agrees(spec, counted);
    (json ? io.stderr : io.stdout).write(`${hasRows ? '\n' : ''}${comparisonText(spec, counted)}`);
  }
  return isEqual ? EXIT.ok : EXIT.failure;
};

/**
 * Compares both buckets and sends a hint for every key that differs. The hints go to a queue of the replicate function. A dry run sends no
 * hints and shows the cost. Resolves to the exit code.
 */
export const backfillLocally = async (command: StartCommand, isDryRun: boolean): Promise<number> => {
  const { request, io, ports } = command;
  if (!isDryRun || request.reading !== 'none') {
    const asked = await askBefore(command);
    if ('exitCode' in asked) return asked.exitCode;
  }
  const { queues } = ports.runs(request.configuration.deployment);
  const sendHints = isDryRun ? async () => undefined : queues.sendHints;
  const results: LocalResult[] = [];
  for (const spec of request.specs) {
    const { counted, isComplete } = await compareLocally(spec, command, {
      sendHints,
      onRows: () => undefined,
    });
    if (!isComplete) return interrupted(io);
    const work = { keys: counted.hints, bytes: counted.hintBytes, pages: counted.sourcePages };
    const result = { spec, counted, estimate: estimateDifferences(work, request.configuration, spec) };
    results.push(result);
    if (!request.json) io.stdout.write(localResultText(result, isDryRun));
  }
  if (request.json) io.stdout.write(jsonText({ runs: results }));
  return isDryRun ? EXIT.ok : await afterHints(command, queues);
};

interface LocalResult {
  spec: RunSpec;
  counted: CompareCounters;
  estimate: ReturnType<typeof estimateDifferences>;
}

const localResultText = ({ spec, counted, estimate }: LocalResult, isDryRun: boolean): string =>
  comparisonText(spec, counted) +
  (isDryRun
    ? `To be replicated:\n${estimateLines(estimate).join('\n')}\n`
    : `${countOf(counted.hints, 'key')}, about ${byteText(counted.hintBytes)}, handed to the replicate function.\n`);

const comparisonText = (spec: RunSpec, counted: CompareCounters): string =>
  `${[`${runTitle({ spec })}: ${verdictOf(counted)}`, basesText(counted)].filter((text) => text !== '').join('\n')}\n`;

const interrupted = (io: CliIo): number => {
  io.stderr.write('note: interrupted: not everything was compared.\n');
  return EXIT.interrupted;
};

/**
 * With `--wait`, waits until the replicate function has worked on all hints, and then verifies. Without `--wait`, prints how to verify
 * later.
 */
const afterHints = async (command: StartCommand, queues: Queues): Promise<number> => {
  const { request, io } = command;
  if (!request.wait) {
    io.stderr.write(
      'To see whether both sides agree when it is done: npx s3-replicator verify start --local …\n',
    );
    return EXIT.ok;
  }
  if (!(await untilDone(queues, io))) {
    io.stderr.write('note: the replicate function continues to work.\n');
    return EXIT.interrupted;
  }
  // With `--json`, the one JSON object has been written to standard output already, so the verify writes to standard error.
  const confirmed = { ...command, request: { ...request, yes: true } };
  return await verifyLocally(request.json ? { ...confirmed, io: { ...io, stdout: io.stderr } } : confirmed);
};

type Queues = ReturnType<RunPorts['runs']>['queues'];

/** How often the messages in the queue of hints are counted. */
const QUEUE_POLL_MS = 5_000;
/**
 * How many counts in a row must be zero before the queue counts as empty. One count is not enough, because SQS counts only approximately.
 */
const EMPTY_COUNTS = 3;

/** Waits until the queue of hints remains empty. Resolves to false when the command is interrupted. */
const untilDone = async ({ hintsLeft }: Queues, io: CliIo): Promise<boolean> => {
  const progress = createProgress(io);
  try {
    for (let empty = 0; empty < EMPTY_COUNTS;) {
      if (io.interrupted.aborted) return false;
      const left = await hintsLeft();
      empty = left === 0 ? empty + 1 : 0;
      progress.update(`about ${countOf(left, 'key')} left`);
      await io.sleep(QUEUE_POLL_MS);
    }
    return !io.interrupted.aborted;
  } finally {
    progress.end();
  }
};
