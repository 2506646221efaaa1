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
const EVERY_BYTES = 2 * 1024 * 1024;

/** From here on the young generation does not grow any more. V8 reserves twice as much, and more. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/**
 * Has V8 collect its young generation for every 2 MiB that flow out of the bodies it was given, and sees to it that it stays small.
 *
 * Each chunk that comes out of a socket is a buffer outside of V8's heap. When some tens of megabytes of them have piled up, V8
 * marks its whole heap, the SDK and all, on several threads: about 45 times per GB, a third of all CPU time of a copy. The
 * buffers are all young, so that collecting the young generation alone frees them for next to nothing
 * (`docs/performance.md`).
 *
 * Lambda lets the young generation grow to a tenth of the function's memory. That makes small objects no cheaper, since it fits
 * into no cache any more, and is filled with garbage before it is collected.
 */
export const createEarlyCollection = (): EarlyCollection => {
  const collect = youngCollector();
  // Of all bodies together: four that are copied at once pile up four times as fast.
  let flowedBytes = 0;
  let mayGrow = true;
  const count = (chunk: Buffer): void => {
    flowedBytes += chunk.length;
    if (flowedBytes < EVERY_BYTES) return;
    flowedBytes = 0;
    collect();
  };
  return {
    watch(body) {
      if (mayGrow && youngBytes() >= YOUNG_BYTES) {
        mayGrow = false;
        setFlagsFromString('--semi-space-growth-factor=1');
      }
      // Not before it flows: a listener for data would itself start the flow.
      body.once('resume', () => body.on('data', count));
    },
  };
};

/** What new objects may take before they are collected. */
const youngBytes = (): number => {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space === undefined ? 0 : space.space_used_size + space.space_available_size;
};

/** V8's own `gc`, which Node shows only when asked; where it does not, V8 collects as it pleases. */
const youngCollector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof collect === 'function' ? () => void collect({ type: 'minor' }) : () => undefined;
};
