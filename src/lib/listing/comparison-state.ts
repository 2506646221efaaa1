/**
 * The state of a comparison that stopped within a key, or between keys that only the destination has. It is plain JSON, so that
 * the next invocation can continue.
 */
import { VERDICTS, type Verdict } from './compare-versions.ts';
import type { Position } from './listing-reader.ts';
import type { ListedVersion, Marker } from './page.ts';
import type { Json } from './range.ts';

/** The comparison of a source key so far. More versions of the key may follow. */
export interface OpenKey {
  /** The source's key. */
  key: string;
  /** The verdict on the pairs of versions compared so far. */
  verdict: Verdict;
  pairs: number;
  missingVersions: number;
  sizeBytes: number;
}

/** A key that only the destination has. More versions of the key may follow. */
export interface ExtraKey {
  /** The corresponding key at the source, where no object has this key. */
  key: string;
  sizeBytes: number;
  /** False if a delete marker hides the key. Such a key is not counted, because the source does not show it either. */
  isShown: boolean;
}

export interface ComparisonState {
  open: OpenKey | null;
  extra: ExtraKey | null;
  /** The pending entry of the source: see `EntryFilter`. */
  pending: ListedVersion | null;
  destination: Position;
}

export const openKey = (key: string): OpenKey => ({
  key,
  verdict: 'same',
  pairs: 0,
  missingVersions: 0,
  sizeBytes: 0,
});

export const comparisonJson = ({ open, extra, pending, destination }: ComparisonState): Json => ({
  open: open === null ? null : { ...open },
  extra: extra === null ? null : { ...extra },
  pending: pending === null ? null : { ...pending },
  destination: {
    marker: { ...destination.marker },
    pending: destination.pending === null ? null : { ...destination.pending },
  },
});

/**
 * Reads the state from the carry. Returns null at the start of a comparison. Throws if the carry is not a state. In that case
 * another version of the program wrote it.
 */
export const parseState = (carry: Json): ComparisonState | null => {
  if (carry === null) return null;
  const fields = membersOf(carry);
  const destination = membersOf(fields['destination']);
  const marker = parseMarker(destination['marker']);
  const state = {
    open: nullOr(fields['open'], parseOpenKey),
    extra: nullOr(fields['extra'], parseExtraKey),
    pending: nullOr(fields['pending'], parseListedVersion),
    destination: { marker, pending: nullOr(destination['pending'], parseListedVersion) },
  };
  if (isState(state)) return state;
  throw new Error(`not the state of a comparison: ${JSON.stringify(carry)}`);
};

/** Reads a listed version. Returns undefined if the value is not one. */
export const parseListedVersion = (json: Json): ListedVersion | undefined => {
  const { key, kind, versionId, isLatest, etag, sizeBytes, lastModifiedMs, storageClass } = membersOf(json);
  return typeof key === 'string' &&
    (kind === 'object' || kind === 'delete-marker') &&
    (typeof versionId === 'string' || versionId === null) &&
    typeof isLatest === 'boolean' &&
    typeof etag === 'string' &&
    typeof sizeBytes === 'number' &&
    typeof lastModifiedMs === 'number' &&
    typeof storageClass === 'string'
    ? { key, kind, versionId, isLatest, etag, sizeBytes, lastModifiedMs, storageClass }
    : undefined;
};

type Partly<T> = { [Name in keyof T]: T[Name] | undefined };
type ParsedState = Partly<Omit<ComparisonState, 'destination'>> & { destination: Partly<Position> };

const isState = (state: ParsedState): state is ComparisonState =>
  [...Object.values(state), ...Object.values(state.destination)].every((value) => value !== undefined);

const nullOr = <T>(value: Json | undefined, parse: (json: Json) => T | undefined): T | null | undefined =>
  value === null || value === undefined ? value : parse(value);

const parseMarker = (value: Json | undefined): Marker | undefined => {
  const { key, versionId } = membersOf(value);
  return typeof key === 'string' && (typeof versionId === 'string' || versionId === null)
    ? { key, versionId }
    : undefined;
};

const parseOpenKey = (json: Json): OpenKey | undefined => {
  const { key, pairs, missingVersions, sizeBytes, verdict: written } = membersOf(json);
  const verdict = VERDICTS.find((known) => known === written);
  return typeof key === 'string' &&
    typeof pairs === 'number' &&
    typeof missingVersions === 'number' &&
    typeof sizeBytes === 'number' &&
    verdict !== undefined
    ? { key, verdict, pairs, missingVersions, sizeBytes }
    : undefined;
};

const parseExtraKey = (json: Json): ExtraKey | undefined => {
  const { key, sizeBytes, isShown } = membersOf(json);
  return typeof key === 'string' && typeof sizeBytes === 'number' && typeof isShown === 'boolean'
    ? { key, sizeBytes, isShown }
    : undefined;
};

const membersOf = (value: Json | undefined): Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
