/** Everything that is known about one object at one destination. */
import type { Explanation, PlaceView } from '../../lib/inspect/explain.ts';
import type { FoundLetter } from './find-letter.ts';
import type { LastRun } from './last-run.ts';
import type { LastLines } from './last-lines.ts';

export interface Told {
  explanation: Explanation;
  place: PlaceView;
  /** The dead letter about the key; null if there is no record of one. */
  letter: FoundLetter | null;
  /** The newest run that includes the key; null if there is none. */
  run: LastRun | null;
  log: LastLines;
}
