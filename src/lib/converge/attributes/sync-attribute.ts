/**
 * Brings one attribute that changes without a new version to the replica, without copying the object again. S3 knows no condition
 * on such writes, so each write is followed by another read of the source: whoever writes last has also looked last.
 */
import { ReplicationError } from '../../model/errors.ts';
import type { ObjectState } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import type { ConvergeContext } from '../context.ts';
import { MAX_ROUNDS, restAfterRace } from '../protocol.ts';

/** A version at one side; `versionId` null: in a bucket without versions. */
export interface VersionAt {
  key: string;
  versionId: string | null;
}

/** A source version and its replica. */
export interface BothVersions {
  source: VersionAt;
  replica: VersionAt;
}

type HasVersionId = Pick<ObjectState, 'versionId'>;

export const bothVersions = (task: Task, version: HasVersionId, replica: HasVersionId): BothVersions => ({
  source: { key: task.key, versionId: version.versionId },
  replica: { key: task.replicaKey, versionId: replica.versionId },
});

export interface Attribute<T> {
  /** Null: the version is gone, or the rule leaves it out by now. */
  wanted(): Promise<T | null>;
  /** Null: the replica is gone. */
  held(): Promise<T | null>;
  /** The value that shall replace `held`; null: the replica has what is wanted. */
  next(held: T, wanted: T): T | null;
  write(next: T, held: T): Promise<void>;
}

/** True: the replica had another value. */
export const syncAttribute = async <T>(
  context: ConvergeContext,
  attribute: Attribute<T>,
): Promise<boolean> => {
  const held: T | null = await attribute.held();
  if (held === null) return false;
  // The value last written counts: the replica may read back less, as its owner's grants are not told apart.
  let last: T = held;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 1) await restAfterRace(context, round);
    const wanted = await attribute.wanted();
    const next = wanted === null ? null : attribute.next(last, wanted);
    if (next === null) return round > 0;
    await attribute.write(next, last);
    last = next;
  }
  throw new ReplicationError('lost-race', `the attributes kept changing through ${MAX_ROUNDS} rounds`);
};

/** The wanted value replaces the other, whatever it was, unless both have the same text. */
export const replacing =
  <T>(text: (value: T) => string): Attribute<T>['next'] =>
  (held, wanted) =>
    text(held) === text(wanted) ? null : wanted;
