import { duration } from '../../lib/text/duration.ts';
import type { CliIo } from './io.ts';
import { createRedraw } from './redraw.ts';

/**
 * Shows the progress of a command on standard error. In a terminal, the text is redrawn in place. Elsewhere, a new line is written every
 * few seconds.
 */
export interface Progress {
  update(text: string): void;
  /** Removes the progress from the terminal. Call this before anything else is written, and at the end. */
  end(): void;
}

/** How often a line is written if standard error is not a terminal. More frequent lines would only make a log longer. */
const LINE_EVERY_MS = 5_000;

export const createProgress = (io: Pick<CliIo, 'stderr' | 'env' | 'now'>): Progress =>
  io.stderr.isTTY && io.env['TERM'] !== 'dumb' ? redrawnLine(io) : everySeconds(io);

const redrawnLine = ({ stderr }: Pick<CliIo, 'stderr'>): Progress => {
  const { draw, clear } = createRedraw(stderr);
  return { update: (text) => draw([text]), end: clear };
};

const everySeconds = (io: Pick<CliIo, 'stderr' | 'now'>): Progress => {
  // The first line is written only after the interval, so short work writes no line at all.
  let lastLineMs = io.now();
  return {
    update(text) {
      if (io.now() - lastLineMs < LINE_EVERY_MS) return;
      io.stderr.write(`${text}\n`);
      lastLineMs = io.now();
    },
    end() {},
  };
};

/** Describes the progress of a redrive, for example `120 of 400 moved, 24/s, 12s left`. `total` is null if the total is unknown. */
export const movedSoFar = (moved: number, total: number | null, elapsedMs: number): string => {
  const perSecond = elapsedMs > 0 ? moved / (elapsedMs / 1000) : 0;
  const left = total === null ? 0 : Math.max(0, total - moved);
  return [
    total === null ? `${moved} moved` : `${moved} of ${total} moved`,
    ...(perSecond > 0 ? [`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`] : []),
    ...(perSecond > 0 && left > 0 ? [`${duration(left / perSecond)} left`] : []),
  ].join(', ');
};
