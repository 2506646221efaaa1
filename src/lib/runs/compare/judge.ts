/** Judges the differences that listings show. Some are certain; others need a closer look at both objects. */
import type { Difference } from '../../listing/difference.ts';
import { mapConcurrently } from '../../model/concurrency.ts';
import { asksForSizes, asksForTags, listedIsWanted } from '../../model/filter.ts';
import type { ReplicationRule } from '../../model/rule.ts';
import type { RunSpec } from '../run.ts';
import type { CloserLook } from './closer-look.ts';
import { type KeyFinding, looked, lookedBy, type Looked } from './looked.ts';
import type { ListedSides } from './sides.ts';
import type { Scope } from './scope.ts';

export interface Judge {
  spec: RunSpec;
  scope: Scope;
  /**
   * In the listing `compared`, hints are sent for the differences. The listing `checked` is the final proof, so it must not
   * report a difference that replication still under way will remove.
   */
  listing: 'compared' | 'checked';
  /** When the run was created. Later changes may still be under way to the destination. Milliseconds since the epoch. */
  createdMs: number;
  sides: ListedSides;
  /** Takes the closer look at a key, and counts the look. */
  look: CloserLook;
  sleep(ms: number): Promise<void>;
}

const KEYS_AT_ONCE = 32;
/**
 * How long the pauses between the checks of a recently changed key are. The replication of such a key may still be under way. If
 * the key still differs after the last check, it counts as different.
 */
const RECHECK_AFTER_MS = [500, 2_000, 5_000];

/**
 * Judges the differences of one batch. After the final listing of a run, recently changed keys may still be in replication, so they are
 * checked again after pauses. All keys of the batch share the same pauses.
 */
export const judgeAll = async (judge: Judge, differences: readonly Difference[]): Promise<Looked[]> => {
  const found = await mapConcurrently(differences, KEYS_AT_ONCE, (difference) => judgeOne(judge, difference));
  const isOpen = (index: number): boolean => {
    const finding = found[index]?.finding ?? 'same';
    return !AT_REST.has(finding) && isRecent(judge, differences[index]?.key ?? '');
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

/** The findings that stay the same when copies that are still under way end. */
const AT_REST: ReadonlySet<KeyFinding> = new Set(['same', 'presumed', 'unwanted', 'kept', 'left-out']);

const judgeOne = async (judge: Judge, difference: Difference): Promise<Looked> => {
  const { spec, scope, listing, sides } = judge;
  const { key, kind } = difference;
  // If all versions are compared, a pair that differs proves nothing. Versions of other writers at the destination have no
  // counterpart, so they shift all pairs after them.
  const isOpen =
    kind === 'look' || kind === 'attributes' || (kind === 'different' && spec.versions === 'all');
  const isSure = !isOpen && !maySelect(scope.rule, kind);
  if (kind === 'extra' && !isReplicaWanted(judge, key)) return looked('kept');
  if (kind === 'history-shorter' && sides.replica(key)?.versionId === 'null') return lookedBy('md5');
  if (isSure && (listing === 'compared' || (kind !== 'missing' && !isRecent(judge, key))))
    return looked(kind);
  return await lookAt(judge, difference);
};

/**
 * Returns whether the rule may leave out the object for a reason that listings do not show: tags, or the size of an object at the
 * source that takes no part in the comparison.
 */
const maySelect = (rule: ReplicationRule, kind: Difference['kind']): boolean =>
  kind === 'extra' ? asksForSizes(rule) : asksForTags(rule);

const isReplicaWanted = ({ scope: { rule }, sides }: Judge, key: string): boolean => {
  const replica = sides.replica(key);
  return replica === null || listedIsWanted(rule, { key, sizeBytes: replica.sizeBytes });
};

const lookAt = ({ look }: Judge, { key, kind }: Difference): Promise<Looked> =>
  look(key, kind === 'attributes' || kind === 'extra' ? kind : 'all');

/** Returns whether the key changed after the run was created. Allows one second more, because S3 reports whole seconds. */
const isRecent = ({ sides, createdMs }: Judge, key: string): boolean =>
  sides.changedMs(key) >= createdMs - 1_000;
