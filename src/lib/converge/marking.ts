/** Decides whether a delete marker of the source's history may be written, or has to be held by the brake. */
import { asksForTags, isWanted, listedIsWanted } from '../model/filter.ts';
import type { HistoryEntry, VersionEntry } from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import type { ConvergeContext } from './context.ts';
import { isEcho } from './loop-guard.ts';

/**
 * - `hiding`: the marker leaves the key without an object. It may be written, and is counted.
 * - `passing`: a version follows that will be written, so the marker is not held, and nothing is counted yet.
 * - `held`: the key is on the list of held keys, and the marker must not be written.
 */
export type Marking = 'hiding' | 'passing' | 'held';

export const markingOf = async (
  task: Task,
  context: ConvergeContext,
  items: HistoryEntry[],
  index: number,
): Promise<Marking> => {
  const { brake } = context;
  const next = items
    .slice(index + 1)
    .find(
      (item) =>
        item.kind === 'version' && listedIsWanted(task.rule, { key: task.key, sizeBytes: item.sizeBytes }),
    );
  const isFollowed =
    next?.kind === 'version' && (!(await brake.isClosed(task)) || (await isToBeWritten(task, context, next)));
  if (isFollowed) return 'passing';
  return (await brake.admit(task, 'delete')) ? 'hiding' : 'held';
};

/**
 * Resolves to true if the version after a delete marker will be written. This is checked only while the brake is closed. If the
 * rule leaves the version out, the marker would leave the key without an object, so the brake must hold the marker.
 */
const isToBeWritten = async (
  task: Task,
  context: ConvergeContext,
  { versionId, sizeBytes }: VersionEntry,
): Promise<boolean> => {
  const version = await context.source.head(task.key, versionId);
  if (version === null || (await isEcho(task, context, version))) return false;
  if (!asksForTags(task.rule)) return true;
  const tags = await context.source.tags(task.key, versionId);
  return tags !== null && isWanted(task.rule, { key: task.key, sizeBytes }, tags);
};
