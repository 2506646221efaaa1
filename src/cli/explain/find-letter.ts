/** Looks for the dead letters of one key. */
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import { EVERY_MESSAGE } from '../../lib/dead-letters/filter.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { readLetters } from '../../lib/dead-letters/read.ts';
import type { PlaceView } from '../../lib/inspect/explain.ts';
import type { CliIo } from '../terminal/io.ts';

/** The letter. Null if a record of the letter exists, but the letters that were read do not include it. */
export interface FoundLetter {
  letter: DeadMessage | null;
}

/**
 * Maximum number of letters that are read. SQS cannot return one particular message, so all letters are received in turn. Receiving a
 * letter increases its receive count in the dead-letter queue, but nothing depends on that count.
 */
const MAX_READ = 2_000;

/** Resolves to one entry for each place: null if the place has no letter on record. */
export const findLetter = async (
  queue: OperatorQueue,
  { key, places }: { key: string; places: readonly PlaceView[] },
  { io, onRead }: { io: Pick<CliIo, 'now' | 'interrupted'>; onRead(count: number): void },
): Promise<(FoundLetter | null)[]> => {
  const wanted = places.filter(({ hasLetter }) => hasLetter);
  const found = new Map<PlaceView, DeadMessage>();
  const enough = new AbortController();
  await readLetters(queue, {
    filter: { ...EVERY_MESSAGE, prefixes: [key] },
    limit: MAX_READ,
    reader: { now: () => io.now(), interrupted: AbortSignal.any([io.interrupted, enough.signal]) },
    onRead: (count) => {
      onRead(count);
      if (count >= MAX_READ) enough.abort();
    },
    onMessage(seen) {
      const place = wanted.find(
        ({ rule, destination }) => rule === seen.rule && destination === seen.destination,
      );
      if (place === undefined || seen.key !== key) return;
      found.set(place, seen);
      if (found.size === wanted.length) enough.abort();
    },
  });
  return places.map((place) => (place.hasLetter ? { letter: found.get(place) ?? null } : null));
};
