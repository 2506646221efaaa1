/** Judges the differences that listings show: some are certain, others need a closer look at both objects. */
import type { Difference } from '../../listing/difference.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { asksForTags } from '../../model/filter.ts';
import type { RunSpec } from '../run.ts';
import { type CloserLook, looked, type Looked } from './closer-look.ts';
import type { ListedSides } from './sides.ts';
import type { Scope } from './scope.ts';

export interface Judge {
  spec: RunSpec;
  scope: Scope;
  /** `compared`: hints are sent for what differs. `checked`: the listing is the proof, so nothing may be presumed to differ. */
  listing: 'compared' | 'checked';
  /** When the run was created: replication of later changes may still be under way. Milliseconds since the epoch. */
  createdMs: number;
  sides: ListedSides;
  /** Takes the closer look, and counts it. */
  look: CloserLook;
  sleep(ms: number): Promise<void>;
}

/** How many keys are looked at concurrently. */
const KEYS_AT_ONCE = 32;
/** How long replication may take before a recently changed key counts as different: a check follows each pause. */
const RECHECK_AFTER_MS = [500, 2_000, 5_000];

/** Recently changed keys may still be being replicated: those of one batch are waited for together. */
export const judgeAll = async (judge: Judge, differences: readonly Difference[]): Promise<Looked[]> => {
  const found = await mapConcurrently(differences, KEYS_AT_ONCE, (difference) => judgeOne(judge, difference));
  const isOpen = (index: number): boolean => {
    const finding = found[index]?.finding;
    return finding !== 'same' && finding !== 'unwanted' && isRecent(judge, differences[index]?.key ?? '');
  };
  for (const delayMs of judge.listing === 'checked' ? RECHECK_AFTER_MS : []) {
    const open = [...found.keys()].filter(isOpen);
    if (open.length === 0) break;
    await judge.sleep(delayMs);
    await mapConcurrently(open, KEYS_AT_ONCE, async (index) => {
      const difference = differences[index];
      if (difference !== undefined) found[index] = await lookAt(judge, difference);
    });
  }
  return found;
};

const judgeOne = async (judge: Judge, difference: Difference): Promise<Looked> => {
  const { spec, scope, listing, sides } = judge;
  const { key, kind } = difference;
  // Versions of other writers at the destination do not stand for any of the source's versions.
  const isOpen =
    kind === 'look' || kind === 'attributes' || (kind === 'different' && spec.versions === 'all');
  const isSure = !isOpen && !(kind === 'missing' && asksForTags(scope.rule.filter));
  if (kind === 'history-shorter' && sides.replica(key)?.versionId === 'null') return looked('same');
  if (isSure && (listing === 'compared' || (kind !== 'missing' && !isRecent(judge, key))))
    return looked(kind);
  return await lookAt(judge, difference);
};

const lookAt = ({ look }: Judge, { key, kind }: Difference): Promise<Looked> =>
  look(key, kind === 'attributes' ? 'attributes' : 'all');

/** S3 gives whole seconds. */
const isRecent = ({ sides, createdMs }: Judge, key: string): boolean =>
  sides.changedMs(key) >= createdMs - 1_000;
