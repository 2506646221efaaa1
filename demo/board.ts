/** The state of each object while the demo runs. The board is drawn elsewhere. */
import type { OutcomeLine } from './outcome-lines.ts';
import type { DemoObject } from './objects.ts';
import type { ReplicaPlace } from './replica-places.ts';

/** The state of one object. Times are milliseconds of the demo's own clock. */
export interface Entry {
  object: DemoObject;
  isUploading: boolean;
  uploadedBytes: number;
  /** The time at which S3 confirmed the last write; null before that. */
  uploadedMs: number | null;
  replicas: Replica[];
}

export interface Replica {
  place: ReplicaPlace;
  state: 'waiting' | 'copying' | 'replicated' | 'quarantined';
  /** The reason for the dead letter; null if there is none. */
  reason: string | null;
  /** The bytes of the parts that a multipart copy has stored so far. */
  copiedBytes: number;
  replicatedMs: number | null;
  /** How long the function worked on the replica; null until it is replicated. */
  durationMs: number | null;
}

export interface Board {
  entries: Entry[];
  /** Returns true if every object is settled; see {@link entryIsSettled}. */
  isSettled(): boolean;
  /** Records an outcome that the replicate function reported. Returns the replica that the outcome concerns, or null if there is none. */
  report(outcome: OutcomeLine): { entry: Entry; replica: Replica } | null;
}

export const createBoard = (
  objects: DemoObject[],
  placesOf: (object: DemoObject) => ReplicaPlace[],
): Board => {
  const entries = objects.map((object) => ({
    object,
    isUploading: false,
    uploadedBytes: 0,
    uploadedMs: null,
    replicas: placesOf(object).map(newReplica),
  }));
  return {
    entries,
    isSettled: () => entries.every(entryIsSettled),
    report(outcome) {
      const { sourceBucket, key, destinationBucket } = outcome;
      const entry = entries.find(({ object }) => object.bucket === sourceBucket && object.key === key);
      const replica = entry?.replicas.find(({ place }) => place.bucket === destinationBucket);
      if (entry === undefined || replica === undefined) return null;
      if (outcome.ending === 'quarantine')
        Object.assign(replica, { state: 'quarantined', reason: outcome.reason });
      return { entry, replica };
    },
  };
};

/** Returns true if the object is uploaded and, for every replica, either the copy is finished or the hint is in the dead-letter queue. */
export const entryIsSettled = ({ uploadedMs, replicas }: Entry): boolean =>
  uploadedMs !== null && replicas.every(({ state }) => state === 'replicated' || state === 'quarantined');

/** Returns the time from the last write to the last replica. Returns null until all replicas exist. */
export const lagMs = ({ uploadedMs, replicas }: Entry): number | null => {
  if (uploadedMs === null || replicas.some(({ state }) => state !== 'replicated')) return null;
  return Math.max(...replicas.map(({ replicatedMs }) => (replicatedMs ?? 0) - uploadedMs), 0);
};

const newReplica = (place: ReplicaPlace): Replica => ({
  place,
  state: 'waiting',
  reason: null,
  copiedBytes: 0,
  replicatedMs: null,
  durationMs: null,
});
