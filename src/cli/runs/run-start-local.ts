/** `--local`: both buckets are listed from here. What differs is shown, or handed to the replicate function of the stack. */
import { byteText, countOf } from '../../lib/text/amounts.ts';
import { differing, verdictOf } from '../../lib/runs/report/comparison-text.ts';
import type { CompareCounters, RunSpec } from '../../lib/runs/run.ts';
import { differenceHeader, differenceLine } from './difference-text.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { createProgress } from '../terminal/progress.ts';
import { estimateDifferences } from './run-estimate.ts';
import { compareLocally } from './run-local.ts';
import type { RunPorts } from './run-ports.ts';
import type { StartRequest } from './run-request.ts';
import { askBefore } from './run-start.ts';
import { estimateLines, runTitle } from './run-text.ts';

/** Shows what differs as it is found, and says in the end whether both sides agree. To the exit code. */
export const verifyLocally = async (request: StartRequest, io: CliIo, ports: RunPorts): Promise<number> => {
  const { specs, json } = request;
  let isEqual = true;
  for (const spec of specs) {
    let isFirst = true;
    const onRows: Parameters<typeof compareLocally>[2]['onRows'] = (rows) => {
      if (isFirst && !json) io.stdout.write(differenceHeader());
      isFirst = false;
      const { rule, destination } = spec;
      for (const row of rows)
        io.stdout.write(json ? `${JSON.stringify({ rule, destination, ...row })}\n` : differenceLine(row));
    };
    const { counted, isComplete } = await compareLocally(
      spec,
      request,
      { sendHints: null, onRows },
      io,
      ports,
    );
    if (!isComplete) return interrupted(io);
    isEqual &&= differing(counted) === 0;
    (json ? io.stderr : io.stdout).write(`${isFirst ? '' : '\n'}${summary(spec, counted)}`);
  }
  return isEqual ? EXIT.ok : EXIT.failure;
};

/**
 * Compares, and sends a hint for every key that differs to the queue that the replicate function works on. In a dry run nothing is sent,
 * and what it would cost is shown. To the exit code.
 */
export const backfillLocally = async (
  request: StartRequest & { isDryRun: boolean },
  io: CliIo,
  ports: RunPorts,
): Promise<number> => {
  const { configuration, specs, isDryRun, wait, json } = request;
  if (!isDryRun) {
    const asked = await askBefore(request, io, ports);
    if ('exitCode' in asked) return asked.exitCode;
  }
  const { queues } = ports.runs(configuration.deployment);
  const results: object[] = [];
  for (const spec of specs) {
    const sendHints = isDryRun ? async () => undefined : queues.sendHints;
    const use = { sendHints, onRows: () => undefined };
    const { counted, isComplete } = await compareLocally(spec, request, use, io, ports);
    if (!isComplete) return interrupted(io);
    const pages = counted.sourcePages;
    const work = { keys: counted.hints, bytes: counted.hintBytes, pages };
    const estimate = estimateDifferences(work, configuration, spec);
    results.push({ spec, counted, estimate });
    if (json) continue;
    io.stdout.write(summary(spec, counted));
    io.stdout.write(
      isDryRun
        ? `To be replicated:\n${estimateLines(estimate).join('\n')}\n`
        : `${countOf(counted.hints, 'key')}, about ${byteText(counted.hintBytes)}, handed to the replicate function.\n`,
    );
  }
  if (json) io.stdout.write(`${JSON.stringify({ runs: results }, null, 2)}\n`);
  if (isDryRun) return EXIT.ok;
  if (!wait) {
    io.stderr.write(
      'To see whether both sides agree when it is done: npx s3-replicator verify start --local …\n',
    );
    return EXIT.ok;
  }
  if (!(await untilDone(queues, io))) {
    io.stderr.write('note: the replicate function works on.\n');
    return EXIT.interrupted;
  }
  // Standard output has the one JSON object already.
  return await verifyLocally(request, json ? { ...io, stdout: io.stderr } : io, ports);
};

const summary = (spec: RunSpec, counted: CompareCounters): string =>
  `${runTitle({ spec })}: ${verdictOf(counted)}\n`;

const interrupted = (io: CliIo): number => {
  io.stderr.write('note: interrupted: not everything was compared.\n');
  return EXIT.interrupted;
};

const POLL_MS = 5_000;
/** SQS counts approximately: an empty queue counts when it was found empty so often. */
const EMPTY_LOOKS = 3;

/** Until the queue of hints stays empty. False: interrupted. */
const untilDone = async (
  { hintsLeft }: ReturnType<RunPorts['runs']>['queues'],
  io: CliIo,
): Promise<boolean> => {
  const progress = createProgress(io);
  try {
    for (let empty = 0; empty < EMPTY_LOOKS;) {
      if (io.interrupted.aborted) return false;
      const left = await hintsLeft();
      empty = left === 0 ? empty + 1 : 0;
      progress.update(`about ${countOf(left, 'key')} left`);
      await io.sleep(POLL_MS);
    }
    return !io.interrupted.aborted;
  } finally {
    progress.end();
  }
};
