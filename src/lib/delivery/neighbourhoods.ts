/**
 * Remembers where keys may be neighbours, which means that they follow each other closely in a listing. One listing can serve
 * several neighbours. The memory helps to avoid listings that would serve only one key.
 */

/** A place where keys may be neighbours: the keys of one folder, or all keys of a rule that are alone in their folders. */
export interface Neighbourhood {
  /** How many batches list each key alone before neighbours are searched again. */
  skip: number;
  /** How many searches in a row have found no neighbours. */
  misses: number;
  /** How many entries a page has. Each entry takes time to parse. */
  entries: number;
}

export type Neighbourhoods = Map<string, Neighbourhood>;

/** Maximum number of places that are remembered. */
const PLACES = 256;
const FIRST_ENTRIES = 200;
const LEAST_ENTRIES = 50;
const MOST_ENTRIES = 1_000;
/** Maximum number of misses that are counted. Each of them roughly doubles the number of batches that are skipped. */
const MAX_MISSES = 5;

/** Returns what is known about a place. The place that was not used for the longest time is forgotten first. */
export const neighbourhoodOf = (known: Neighbourhoods, place: string): Neighbourhood => {
  const found = known.get(place) ?? { skip: 0, misses: 0, entries: FIRST_ENTRIES };
  known.delete(place);
  known.set(place, found);
  const [oldest] = known.keys();
  if (known.size > PLACES && oldest !== undefined) known.delete(oldest);
  return found;
};

/** Notes a page that had several keys of the batch. `span` is the number of entries up to the last of them. */
export const noteHit = (
  place: Neighbourhood,
  { span, isCutOff }: { span: number; isCutOff: boolean },
): void => {
  const enough = isCutOff ? 4 * place.entries : 2 * span;
  place.misses = 0;
  place.entries = Math.min(MOST_ENTRIES, Math.max(LEAST_ENTRIES, enough));
};

/** Notes a page that had at most one key of the batch. */
export const noteMiss = (place: Neighbourhood): void => {
  place.misses = Math.min(MAX_MISSES, place.misses + 1);
  place.skip = 2 ** place.misses - 1;
  place.entries = MOST_ENTRIES;
};
