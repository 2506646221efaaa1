/** Frees the buffers of streamed bodies while they stream. */
import type { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** One for each execution environment: it counts the bytes of all its bodies together. */
export interface EarlyCollection {
  /** Counts what flows out of the body, without starting the flow. */
  watch(body: Readable): void;
}

/** Bytes between two collections. */
const EVERY_BYTES = 2 * 1024 * 1024;

/**
 * Has V8 collect its young generation for every 2 MiB that flow out of the bodies it was given.
 *
 * Each chunk that comes out of a socket is a buffer outside of V8's heap. When some tens of megabytes of them have piled up, V8
 * marks its whole heap, the SDK and all, on several threads: about 45 times per GB, a third of all CPU time of a copy. The
 * buffers are all young, so that collecting the young generation alone frees them for next to nothing
 * (`docs/performance.md`).
 */
export const createEarlyCollection = (): EarlyCollection => {
  const collect = youngCollector();
  // Of all bodies together: four that are copied at once pile up four times as fast.
  let flowedBytes = 0;
  const count = (chunk: Buffer): void => {
    flowedBytes += chunk.length;
    if (flowedBytes < EVERY_BYTES) return;
    flowedBytes = 0;
    collect();
  };
  // Not before it flows: a listener for data would itself start the flow.
  return { watch: (body) => void body.once('resume', () => body.on('data', count)) };
};

/** V8's own `gc`, which Node shows only when asked; where it does not, V8 collects as it pleases. */
const youngCollector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof collect === 'function' ? () => void collect({ type: 'minor' }) : () => undefined;
};
