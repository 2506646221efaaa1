/** Formats the board as rows of a table for a terminal, or as sentences for a log. */
import { printable } from '../src/lib/text/printable.ts';
import { formatBytes, formatRate, formatSeconds } from './amounts.ts';
import { lagMs } from './board.ts';
import type { Board, Entry, Replica } from './board.ts';
import { fit, shorten } from '../src/cli/terminal/width.ts';
import type { Style } from '../src/cli/terminal/style.ts';

/** Returns a title line and one line for each entry. */
export const boardLines = (board: Board, columns: number, style: Style): string[] => {
  const nameColumns = Math.min(48, Math.max(16, columns - 62));
  const row = ({ name, size, state, lag, speed }: Row): string =>
    `  ${fit(name, nameColumns)}  ${size.padStart(9)}  ${state}  ${lag.padStart(7)}  ${speed.padStart(8)}`;
  const state = fit('STATE', STATE_COLUMNS);
  const title = row({ name: 'OBJECT', size: 'SIZE', state, lag: 'LAG', speed: 'SPEED' });
  return [
    style('dim', title),
    ...board.entries.map((entry) => {
      const { text, color } = stateOf(entry);
      return row({
        name: nameOf(entry),
        size: formatBytes(entry.object.sizeBytes),
        state: style(color, fit(text, STATE_COLUMNS)),
        lag: lagOf(entry),
        speed: speedOf(entry),
      });
    }),
  ];
};

interface Row {
  name: string;
  size: string;
  /** The state, padded to the full width of its column. */
  state: string;
  lag: string;
  speed: string;
}

const STATE_COLUMNS = 27;

/** Returns one line about an object whose state has just changed. The states are those of {@link stateOf}. */
export const entrySentence = (entry: Entry): string => {
  const details = [
    formatBytes(entry.object.sizeBytes),
    lagOf(entry) && `lag ${lagOf(entry)}`,
    speedOf(entry),
  ];
  return `${shorten(nameOf(entry), 60)}: ${stateOf(entry).text} (${details.filter(Boolean).join(', ')})`;
};

interface EntryState {
  text: string;
  color: 'dim' | 'yellow' | 'green' | 'red';
}

const stateOf = ({ object, isUploading, uploadedBytes, uploadedMs, replicas }: Entry): EntryState => {
  if (isUploading) {
    return { text: `uploading ${percent(uploadedBytes, object.sizeBytes * object.writes)}`, color: 'yellow' };
  }
  if (uploadedMs === null) return { text: 'not yet uploaded', color: 'dim' };
  const replicated = replicas.filter(({ state }) => state === 'replicated').length;
  const count = replicas.length === 1 ? '' : ` ${replicated} of ${replicas.length}`;
  const refused = replicas.find(({ state }) => state === 'quarantined');
  if (refused) return { text: `${refused.reason ?? 'quarantined'}${count && `,${count}`}`, color: 'red' };
  if (replicated === replicas.length) {
    return {
      text: replicas.length === 1 ? 'replicated' : `replicated to ${replicas.length}`,
      color: 'green',
    };
  }
  const copying = replicas.find(({ state }) => state === 'copying');
  if (copying) return { text: `copying ${percent(copying.copiedBytes, object.sizeBytes)}`, color: 'yellow' };
  return { text: replicated === 0 ? 'waiting' : `replicated${count}`, color: 'yellow' };
};

export const nameOf = ({ object: { key, writes } }: Pick<Entry, 'object'>): string =>
  printable(key) + (writes === 1 ? '' : ` ×${writes}`);

const lagOf = (entry: Entry): string => {
  const lag = lagMs(entry);
  return lag === null ? '' : formatSeconds(lag);
};

/** Returns the speed of the slowest copy. The text is empty for small objects, because their copies are too short to measure. */
const speedOf = ({ object, replicas }: Entry): string => {
  const slowest = Math.max(...replicas.map(durationOf));
  return slowest > 0 && object.sizeBytes >= 1024 * 1024 ? formatRate(object.sizeBytes, slowest) : '';
};

const durationOf = ({ durationMs }: Replica): number => durationMs ?? 0;

const percent = (part: number, whole: number): string =>
  `${whole === 0 ? 0 : Math.floor((100 * part) / whole)} %`;
