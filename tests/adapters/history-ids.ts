import type { HistoryEntry } from '../../src/lib/model/ports.ts';

/** Returns a history as a list of lines like `version v1`. */
export const historyIds = (entries: HistoryEntry[]): string[] =>
  entries.map(({ kind, versionId }) => `${kind} ${versionId}`);
