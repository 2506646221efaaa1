/** Returns the lines that summarize the result of the demo in numbers. */
import { formatBytes, formatRate, formatSeconds, quantile } from './amounts.ts';
import { lagMs } from './board.ts';
import type { Board, Entry } from './board.ts';
import type { S3Calls } from './s3-calls.ts';
import type { TwoAccounts } from './two-accounts.ts';
import type { Verification } from './verify.ts';

export const summaryLines = (story: {
  accounts: TwoAccounts;
  board: Board;
  calls: S3Calls;
  verification: Verification;
}): string[] => {
  const { accounts, board, calls, verification } = story;
  const usage = accounts.aws.lambda.usage(accounts.names.replicateFunction);
  const { replicas, bytes } = verification;
  const rows: [string, string][] = [
    [
      'objects',
      `${board.entries.length}, ${replicas} replicas, ${formatBytes(bytes)}; nothing missing, nothing extra`,
    ],
    ['lag', lagText(board.entries)],
    ['large object', largeText(board.entries)],
    ['S3 calls', `${callsPerReplica(board.entries, calls).toFixed(1)} per replica of a new small object`],
    [
      'function',
      `${usage.invocations} invocations, ${usage.peakConcurrency} at once, ${formatBytes(usage.peakRssBytes)} of memory at most, ` +
        `${formatSeconds(usage.cpuMs)} CPU`,
    ],
  ];
  return rows.map(([name, text]) => `${name.padEnd(14)}${text}`);
};

const lagText = (entries: Entry[]): string => {
  const lags = entries.map(lagMs).filter((lag) => lag !== null);
  return `${formatSeconds(quantile(lags, 0.5))} median, ${formatSeconds(Math.max(...lags))} maximum, from last write to last replica`;
};

const largeText = (entries: Entry[]): string => {
  const { object, replicas } = entries.reduce((largest, each) =>
    each.object.sizeBytes > largest.object.sizeBytes ? each : largest,
  );
  const durationMs = Math.max(...replicas.map((replica) => replica.durationMs ?? 0));
  const parts = object.partSizesBytes?.length ?? 1;
  return `${formatBytes(object.sizeBytes)} in ${parts} parts, copied in ${formatSeconds(durationMs)}: ${formatRate(object.sizeBytes, durationMs)}`;
};

/** Returns the average number of S3 calls for a replica. Only objects that were written once, in one piece, and not refused are counted. */
const callsPerReplica = (entries: Entry[], calls: S3Calls): number => {
  const simple = entries.filter(
    ({ object, replicas }) =>
      object.partSizesBytes === null &&
      object.writes === 1 &&
      replicas.every(({ state }) => state === 'replicated'),
  );
  const replicas = simple.flatMap((entry) => entry.replicas);
  // A replica never has the same bucket and key as its source, so no object is counted twice.
  const names = [...simple.map(({ object }) => object), ...replicas.map(({ place }) => place)];
  return names.reduce((sum, name) => sum + calls.about(name), 0) / Math.max(1, replicas.length);
};
