/**
 * What a destination holds of a source's history. Histories of one key come newest first from S3 and are handled here
 * oldest first, in the order they are written.
 */
import type { HistoryEntry } from '../model/ports.ts';
import { partsInEtag } from './proof.ts';
import { names, type Stamp } from './stamp.ts';

/** A state of the source that the destination has to go through. */
export type Item = HistoryEntry;

/**
 * The states to replicate, oldest first. Delete markers in a row are one: a marker is written only over something, on condition
 * that it is unchanged.
 */
export const itemsOf = (newestFirst: HistoryEntry[], withMarkers: boolean): Item[] => {
  const items: Item[] = [];
  for (const entry of newestFirst.toReversed()) {
    const isRepeated = items.at(-1)?.kind === 'marker';
    if (entry.kind === 'version' || (withMarkers && !isRepeated)) items.push(entry);
  }
  return items;
};

/** Position of the version a stamp names; -1 where there is none. The null version is written again in place: its time tells. */
export const positionOf = (items: Item[], stamp: Stamp): number =>
  items.findIndex((item) => item.kind === 'version' && names(stamp, item));

/**
 * Position of the last item that is surely older than a version which is gone; -1 where there is none. Last-Modified is the
 * time a multipart upload was begun, which says nothing about when it became a version, and has whole seconds.
 */
export const positionBefore = (items: Item[], modifiedMs: number): number =>
  items.findLastIndex(
    (item) => item.lastModifiedMs < modifiedMs && (item.kind === 'marker' || partsInEtag(item.etag) === null),
  );

/** How far a destination without stamps has come. */
export interface Alignment {
  /** Of the last item that is there; -1: none. */
  position: number;
  /** Is it what the destination shows now? */
  isShown: boolean;
}

/**
 * Without stamps, by what listings tell: the replica's history is matched with the items in order, each with the first that
 * can be meant. Content that comes again is so taken for its first writing, and what follows is written once more.
 */
export const align = (items: Item[], replicas: Item[]): Alignment => {
  let position = -1;
  let isShown = false;
  for (const replica of replicas) {
    const next = items.findIndex((item, index) =>
      // A marker is like any other: only the one that comes next can be meant.
      replica.kind === 'marker'
        ? index === position + 1 && item.kind === 'marker'
        : index > position && isAlike(item, replica),
    );
    isShown = next !== -1;
    if (isShown) position = next;
  }
  return { position, isShown };
};

const isAlike = (item: Item, replica: Extract<Item, { kind: 'version' }>): boolean =>
  item.kind === 'version' && item.etag === replica.etag && item.sizeBytes === replica.sizeBytes;
