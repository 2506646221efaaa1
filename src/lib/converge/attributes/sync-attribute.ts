/**
 * One attribute that changes without a new version, brought to the replica without copying the object again. S3 knows no condition
 * on such writes, so after each the source is read once more: whoever writes last has looked last.
 */
import { ReplicationError } from '../../model/errors.ts';
import { type ConvergeContext, MAX_ROUNDS, restAfterRace } from '../convergence.ts';

/** A version at one side; `versionId` null: in a bucket without versions. */
export interface At {
  key: string;
  versionId: string | null;
}

export interface Attribute<T> {
  /** Null: the version is gone, or the rule is not for it any more. */
  wanted(): Promise<T | null>;
  /** Null: the replica is gone. */
  held(): Promise<T | null>;
  /** What the replica is to have in place of `held`; null: it has what is wanted. */
  next(held: T, wanted: T): T | null;
  write(next: T, held: T): Promise<void>;
}

/** True where the replica had others. */
export const syncAttribute = async <T>(
  context: ConvergeContext,
  attribute: Attribute<T>,
): Promise<boolean> => {
  const held: T | null = await attribute.held();
  if (held === null) return false;
  // What the replica reads back may be less than was written: its owner's grants are not told apart.
  let last: T = held;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 1) await restAfterRace(context, round);
    const wanted = await attribute.wanted();
    const next = wanted === null ? null : attribute.next(last, wanted);
    if (next === null) return round > 0;
    await attribute.write(next, last);
    last = next;
  }
  throw new ReplicationError('lost-race', `the attributes kept changing through ${MAX_ROUNDS} looks`);
};

/** Where the one replaces the other, whatever it was, unless both have the same text. */
export const replacing =
  <T>(text: (value: T) => string): Attribute<T>['next'] =>
  (held, wanted) =>
    text(held) === text(wanted) ? null : wanted;
