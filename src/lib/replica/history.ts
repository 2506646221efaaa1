/**
 * Compares the history at a destination with the source's. S3 lists the versions of a key newest first; the items here are in the
 * order in which they are written, oldest first.
 */
import type { HistoryEntry, VersionEntry } from '../model/ports.ts';
import { partsInEtag } from './proof.ts';
import { names, type Stamp } from './stamp.ts';

/**
 * The states that the destination has to go through. Several delete markers in a row count as one: a marker is written only over an
 * object, on condition that the object is unchanged.
 */
export const itemsOf = (newestFirst: HistoryEntry[], withMarkers: boolean): HistoryEntry[] => {
  const items: HistoryEntry[] = [];
  for (const entry of newestFirst.toReversed()) {
    const isRepeated = items.at(-1)?.kind === 'marker';
    if (entry.kind === 'version' || (withMarkers && !isRepeated)) items.push(entry);
  }
  return items;
};

/** The position of the version that a stamp names; -1: none. A null version is overwritten in place, so its time must match too. */
export const positionOf = (items: HistoryEntry[], stamp: Stamp): number =>
  items.findIndex((item) => item.kind === 'version' && names(stamp, item));

/**
 * The position of the last item that is certainly older than a version which is gone; -1: none. Last-Modified is in whole seconds.
 * For a multipart upload it is the time when the upload began, which says nothing about when the upload became a version.
 */
export const positionBefore = (items: HistoryEntry[], modifiedMs: number): number =>
  items.findLastIndex(
    (item) => item.lastModifiedMs < modifiedMs && (item.kind === 'marker' || partsInEtag(item.etag) === null),
  );

/** How far a destination without stamps has advanced. */
export interface Alignment {
  /** The position of the last item that is at the destination; -1: none. */
  position: number;
  /** Whether the destination shows that item now. */
  isShown: boolean;
}

/**
 * Works without stamps, from listings alone: matches the replica's history with the items in order, each entry with the first item
 * that it may be. Content that occurs twice is therefore taken for its first occurrence, and the items after it are written again.
 */
export const align = (items: HistoryEntry[], replicas: HistoryEntry[]): Alignment => {
  let position = -1;
  let isShown = false;
  for (const replica of replicas) {
    const next = items.findIndex((item, index) =>
      // All markers look alike, so only the next one can be meant.
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
