import { duration } from '../../lib/text/duration.ts';
import type { CliIo } from './io.ts';

/** The progress of a command on standard error: one line that is redrawn in a terminal, a new line now and then elsewhere. */
export interface Progress {
  update(text: string): void;
  /** Removes the line. To be called before anything else is written, and at the end. */
  end(): void;
}

/** How often a line is written outside a terminal: a log that is read later needs no line for each batch. */
const LINE_EVERY_MS = 5_000;

export const createProgress = (io: Pick<CliIo, 'stderr' | 'now'>): Progress => {
  let drawn = false;
  // Short work needs no line at all.
  let lastLineMs = io.now();
  return {
    update(text) {
      if (io.stderr.isTTY) {
        io.stderr.write(`\r\u001b[K${text}`);
        drawn = true;
      } else if (io.now() - lastLineMs >= LINE_EVERY_MS) {
        io.stderr.write(`${text}\n`);
        lastLineMs = io.now();
      }
    },
    end() {
      if (drawn) io.stderr.write('\r\u001b[K');
      drawn = false;
    },
  };
};

/** `120 of 400 moved, 24/s, 12s left`. `total` null: unknown. */
export const movedSoFar = (moved: number, total: number | null, elapsedMs: number): string => {
  const perSecond = elapsedMs > 0 ? moved / (elapsedMs / 1000) : 0;
  const left = total === null ? 0 : Math.max(0, total - moved);
  return [
    total === null ? `${moved} moved` : `${moved} of ${total} moved`,
    ...(perSecond > 0 ? [`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`] : []),
    ...(perSecond > 0 && left > 0 ? [`${duration(left / perSecond)} left`] : []),
  ].join(', ');
};
