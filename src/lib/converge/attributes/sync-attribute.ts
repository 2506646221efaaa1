/**
 * Gives a replica the current value of one attribute that can change without a new version. The object is not copied again. S3
 * offers no conditional writes for such attributes, so the source is read again after each write. If the value has changed, it is
 * written once more.
 */
import { ReplicationError } from '../../model/errors.ts';
import type { SeenObject } from '../../model/filter.ts';
import type { ObjectState } from '../../model/ports.ts';
import type { Task } from '../../model/task.ts';
import type { ConvergeContext } from '../context.ts';
import { MAX_ROUNDS, restAfterRace } from '../protocol.ts';

/** A version at one side. `versionId` is null in a bucket without versions. */
export interface VersionAt {
  key: string;
  versionId: string | null;
}

/** A source version and its replica. */
export interface BothVersions {
  source: VersionAt & SeenObject;
  replica: VersionAt;
}

type HasVersionId = Pick<ObjectState, 'versionId'>;

export const bothVersions = (
  task: Task,
  { versionId, sizeBytes }: Pick<ObjectState, 'sizeBytes' | 'versionId'>,
  replica: HasVersionId,
): BothVersions => ({
  source: { key: task.key, versionId, sizeBytes },
  replica: { key: task.replicaKey, versionId: replica.versionId },
});

export interface Attribute<T> {
  /** Reads the value at the source. Resolves to null if the version is gone, or if the rule now leaves the object out. */
  wanted(): Promise<T | null>;
  /** Reads the value of the replica. Resolves to null if the replica is gone. */
  held(): Promise<T | null>;
  /** Returns the value to write in place of `held`, or null if nothing has to be written. */
  next(held: T, wanted: T): T | null;
  write(next: T, held: T): Promise<void>;
}

/** Gives the replica the value that the source has. Resolves to true if the replica had another value. */
export const syncAttribute = async <T>(
  context: ConvergeContext,
  attribute: Attribute<T>,
): Promise<boolean> => {
  const held: T | null = await attribute.held();
  if (held === null) return false;
  // Later rounds compare with the value that was last written, without reading the replica again. A read may show fewer grants
  // than were written, because the grants of the replica's owner are left out.
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

/** Returns a `next` in which the wanted value replaces any other value. Two values are equal if their texts are equal. */
export const replacing =
  <T>(text: (value: T) => string): Attribute<T>['next'] =>
  (held, wanted) =>
    text(held) === text(wanted) ? null : wanted;
