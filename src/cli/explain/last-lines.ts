/** The last lines that the functions logged about a key, if the operator may read the logs. */
import type { Explanation } from '../../lib/inspect/explain.ts';
import type { LogLine, LogReader } from '../../lib/inspect/log-lines.ts';
import { ReplicationError } from '../../lib/model/errors.ts';

export type LastLines = { lines: LogLine[] } | { problem: string };

/** How far into the past the logs are searched. A search over a longer time would be slow. */
const DAY_MS = 24 * 3_600_000;

export const lastLines = async (
  { key, places }: Explanation,
  logs: LogReader,
  nowMs: number,
): Promise<LastLines> => {
  if (places.length === 0) return { lines: [] };
  try {
    const { lines } = await logs.find({ rule: null, key, sinceMs: nowMs - DAY_MS });
    return { lines };
  } catch (error) {
    // The logs only add to the answer, so a missing permission is reported in the answer and is not an error.
    if (error instanceof ReplicationError) return { problem: error.message };
    throw error;
  }
};
