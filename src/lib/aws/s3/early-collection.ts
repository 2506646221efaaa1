/** Frees what copying leaves behind while it is young: the buffers of streamed bodies, and what is around each call. */
import type { Readable } from 'node:stream';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One for each execution environment: it counts the bytes of all its bodies together. */
export interface EarlyCollection {
  /** Counts what flows out of the body, without starting the flow. */
  watch(body: Readable): void;
}

/** Bytes between two collections. */
const EVERY_BYTES = 1024 * 1024;

/** What the young generation grows to, and not beyond. V8 reserves twice as much, and more. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/**
 * Has V8 collect its young generation for every MiB that flows out of the bodies it was given, and sees to it that it stays small.
 *
 * Each chunk that comes out of a socket is a buffer outside of V8's heap. When some tens of megabytes of them have piled up, V8
 * marks its whole heap, the SDK and all, on several threads: about 45 times per GB, a third of all CPU time of a copy. The
 * buffers are all young, so that collecting the young generation alone frees them for next to nothing
 * (`docs/performance.md`). It is so little work that waking other threads for it costs more than it saves, the more so on the
 * one vCPU that a function has.
 *
 * Lambda lets the young generation grow to a tenth of the function's memory. That makes small objects no cheaper, since it fits
 * into no cache any more, and is filled with garbage before it is collected.
 */
export const createEarlyCollection = (): EarlyCollection => {
  const collect = youngCollector();
  // Of all bodies together: four that are copied at once pile up four times as fast.
  let flowedBytes = 0;
  let growth = 0;
  const count = (chunk: Buffer): void => {
    flowedBytes += chunk.length;
    if (flowedBytes < EVERY_BYTES) return;
    flowedBytes = 0;
    collect();
  };
  return {
    watch(body) {
      // Asked each time: V8 makes it smaller while there is little to do, and a factor of 1 would leave it so for ever.
      const wanted = Math.ceil(YOUNG_BYTES / youngBytes());
      if (wanted !== growth) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
      growth = wanted;
      // Not before it flows: a listener for data would itself start the flow.
      body.once('resume', () => body.on('data', count));
    },
  };
};

/** What new objects may take before they are collected. */
const youngBytes = (): number => {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space === undefined ? YOUNG_BYTES : space.space_used_size + space.space_available_size;
};

/** Of these two, whatever else V8 does on other threads stays there. */
const ON_THIS_THREAD = ['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping'];

/** V8's own `gc`, which Node shows only when asked; where it does not, V8 collects as it pleases. */
const youngCollector = (): (() => void) => {
  for (const flag of ['--expose-gc', ...ON_THIS_THREAD]) setFlagsFromString(flag);
  const collect: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof collect === 'function' ? () => void collect({ type: 'minor' }) : () => undefined;
};
