/** What is known of one object at one destination. */
import type { Explanation, PlaceView } from '../../lib/inspect/explain.ts';
import type { FoundLetter } from './find-letter.ts';
import type { LastLines } from './last-lines.ts';

export interface Told {
  explanation: Explanation;
  place: PlaceView;
  /** The dead letter about the key; null: none is on record. */
  letter: FoundLetter | null;
  log: LastLines;
}
