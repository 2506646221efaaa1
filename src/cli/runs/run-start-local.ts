/** Implements `verify start --local`, which lists both buckets in this process and shows the differences. */
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import { agrees, basesText, verdictOf } from '../../lib/runs/report/comparison-text.ts';
import type { CompareCounters, RunSpec } from '../../lib/runs/run.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { createProgress } from '../terminal/progress.ts';
import { differenceHeader, differenceLine } from './difference-text.ts';
import { comparingText, compareLocally, type LocalUse } from './run-local.ts';
import type { StartCommand } from './run-request.ts';
import { askBefore } from './run-start.ts';
import { runTitle } from './run-text.ts';

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
    const { counted, isComplete } = await compare(spec, command, onRows);
    if (!isComplete) return interrupted(io);
    isEqual &&= agrees(spec, counted);
    (json ? io.stderr : io.stdout).write(`${hasRows ? '\n' : ''}${comparisonText(spec, counted)}`);
  }
  return isEqual ? EXIT.ok : EXIT.failure;
};

const comparisonText = (spec: RunSpec, counted: CompareCounters): string =>
  `${[`${runTitle({ spec })}: ${verdictOf(counted)}`, basesText(counted)].filter((text) => text !== '').join('\n')}\n`;

const interrupted = (io: CliIo): number => {
  io.stderr.write('note: interrupted: not everything was compared.\n');
  return EXIT.interrupted;
};

const compare = async (
  spec: RunSpec,
  { request, io, ports }: StartCommand,
  onRows: LocalUse['onRows'],
): ReturnType<typeof compareLocally> => {
  const { configuration, workers, destinationProfile: profile, reading } = request;
  const { destination } = scopeOf(configuration.replication, spec);
  const named = { region: destination.region, roleArn: null, externalId: null, endpoint: null };
  const access = { ...named, profile, bucket: destination.bucket, owner: destination.account };
  const { listings, buckets } = await ports.buckets({
    region: configuration.deployment.region,
    source: null,
    destination: profile === null ? null : access,
    // This signal never aborts. After an interruption no new calls are started, but the calls that are already running may finish.
    signal: new AbortController().signal,
  });
  const sides = { spec, configuration: configuration.replication, workers, reading, listings, buckets };
  const progress = createProgress(io);
  const beganMs = io.now();
  try {
    return await compareLocally({ ...sides, receipts: ports.receipts(configuration.deployment) }, io, {
      sendHints: null,
      onRows(rows) {
        progress.end();
        onRows(rows);
      },
      onCounted: (counted) => progress.update(comparingText(counted, (io.now() - beganMs) / 1_000)),
    });
  } finally {
    progress.end();
  }
};
