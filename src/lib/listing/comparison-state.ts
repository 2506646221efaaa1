/** Where a comparison is between two versions of a key: plain JSON, so that another invocation can go on. */
import { VERDICTS, type Verdict } from './compare-versions.ts';
import type { Marker } from './page.ts';
import type { Json } from './range.ts';

/** What is known of a key whose versions are still coming. */
export interface OpenKey {
  /** At the source. */
  key: string;
  /** Of the pairs so far. */
  verdict: Verdict;
  pairs: number;
  missingVersions: number;
  sizeBytes: number;
}

interface ComparisonState {
  open: OpenKey | null;
  /** Behind the last version taken at the destination. */
  destination: Marker;
}

export const openKey = (key: string): OpenKey => ({
  key,
  verdict: 'same',
  pairs: 0,
  missingVersions: 0,
  sizeBytes: 0,
});

export const stateOf = (open: OpenKey | null, { key, versionId }: Marker): Json => ({
  open: open === null ? null : { ...open },
  destination: { key, versionId },
});

/** Null where a comparison begins. Throws where it is something else: another version of the program wrote it. */
export const parseState = (carry: Json): ComparisonState | null => {
  if (carry === null) return null;
  const destination = parseMarker(fieldsOf(carry)['destination']);
  const written = fieldsOf(carry)['open'];
  const open = written === null ? null : parseOpenKey(fieldsOf(written));
  if (destination === null || (open === null && written !== null))
    throw new Error(`not the state of a comparison: ${JSON.stringify(carry)}`);
  return { open, destination };
};

const parseMarker = (value: Json | undefined): Marker | null => {
  const { key, versionId } = fieldsOf(value);
  return typeof key === 'string' && (typeof versionId === 'string' || versionId === null)
    ? { key, versionId }
    : null;
};

const parseOpenKey = (fields: Record<string, Json>): OpenKey | null => {
  const { key, pairs, missingVersions, sizeBytes } = fields;
  const verdict = VERDICTS.find((known) => known === fields['verdict']);
  return typeof key === 'string' &&
    typeof pairs === 'number' &&
    typeof missingVersions === 'number' &&
    typeof sizeBytes === 'number' &&
    verdict !== undefined
    ? { key, verdict, pairs, missingVersions, sizeBytes }
    : null;
};

const fieldsOf = (value: Json | undefined): Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
