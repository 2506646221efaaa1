/**
 * Compares the history at a destination with the history at the source. S3 lists the versions of a key newest first. The items in
 * this file are in the order in which they are written, oldest first.
 */
import type { HistoryEntry, VersionEntry } from '../model/ports.ts';
import { partsInEtag } from './proof.ts';
import { names, type StampedState } from './stamp.ts';

/**
 * Returns the states that the destination has to go through, oldest first. Several delete markers in a row count as one, the
 * newest. The replicator can write a marker only over an object, because the condition of the write is that this object is unchanged.
 */
export const itemsOf = (newestFirst: HistoryEntry[], withMarkers: boolean): HistoryEntry[] => {
  const items: HistoryEntry[] = [];
  for (const entry of newestFirst.toReversed()) {
    if (entry.kind === 'marker' && !withMarkers) continue;
    if (entry.kind === 'marker' && items.at(-1)?.kind === 'marker') items.pop();
    items.push(entry);
  }
  return items;
};

/**
 * Returns the position of the version that the stamp names, or -1 if there is no such version. A null version is overwritten in
 * place, so its time must match too.
 */
export const positionOf = (items: HistoryEntry[], stamp: StampedState): number =>
  items.findIndex((item) => item.kind === 'version' && names(stamp, item));

/**
 * Returns the position of the last item that is certainly older than a version that no longer exists, or -1 if there is no such
 * item. `modifiedMs` is the Last-Modified of that version, in whole seconds. Items from multipart uploads are left out. Their
 * Last-Modified is the time when the upload began, not the time when it became a version.
 */
export const positionBefore = (items: HistoryEntry[], modifiedMs: number): number =>
  items.findLastIndex(
    (item) => item.lastModifiedMs < modifiedMs && (item.kind === 'marker' || partsInEtag(item.etag) === null),
  );

/**
 * Returns true if the entry is certainly newer than the state that the stamp names. That state is gone from the source. A state
 * without a version id was overwritten in place by the null version or the null marker. For all other states the times decide.
 */
export const isSurelyNewer = (entry: HistoryEntry, stamp: StampedState): boolean =>
  (entry.versionId === 'null' && stamp.identity.startsWith('e/')) ||
  Math.floor(entry.lastModifiedMs / 1_000) * 1_000 > stamp.modifiedMs;

/** How far a destination without stamps has advanced. */
export interface Alignment {
  /** The position of the last item that is at the destination; -1: none. */
  position: number;
  /** Whether the destination shows that item now. */
  isShown: boolean;
}

/**
 * Compares the two histories without stamps, from listings alone. Each entry of the replica's history is matched with the first
 * later item that may be its source. If the same content occurs twice in the source's history, the first occurrence is taken as
 * the match. The items after the first occurrence are then written again.
 */
export const align = (items: HistoryEntry[], replicas: HistoryEntry[]): Alignment => {
  let position = -1;
  let isShown = false;
  for (const replica of replicas) {
    const next = items.findIndex((item, index) =>
      // All delete markers look alike, so a marker is matched only if the very next item is a marker.
      replica.kind === 'marker'
        ? index === position + 1 && item.kind === 'marker'
        : index > position && isAlike(item, replica),
    );
    isShown = next !== -1;
    if (isShown) position = next;
  }
  return { position, isShown };
};

const isAlike = (item: HistoryEntry, replica: VersionEntry): boolean =>
  item.kind === 'version' && item.etag === replica.etag && item.sizeBytes === replica.sizeBytes;
