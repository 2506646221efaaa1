/**
 * Makes V8 free the garbage of copies early. This garbage consists of the buffers of streamed bodies and of the objects that each call
 * creates.
 */
import type { Readable } from 'node:stream';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Each execution environment has one instance, which counts the bytes of all bodies together. */
export interface EarlyCollection {
  /** Counts the bytes that flow out of the body. Does not start reading the body. */
  watch(body: Readable): void;
}

/** Minimum number of bytes that flow between two collections. */
const LEAST_BYTES = 1024 * 1024;
/**
 * How many bytes flow between two collections for each open body. A buffer that survives two collections is old, and only a
 * collection of the whole heap frees it. So more bytes must flow between two collections than the buffers of all bodies hold
 * together.
 */
const BYTES_PER_BODY = 128 * 1024;

/** Maximum size of the young generation. V8 reserves more than twice as much. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/**
 * Makes V8 collect its young generation each time a MiB or more has flowed out of the watched bodies, and keeps the young generation small.
 *
 * Each chunk that comes out of a socket is a buffer outside V8's heap. When some tens of megabytes of such buffers have accumulated, V8
 * marks its whole heap, including the SDK, on several threads. That happens about 45 times per GB and takes a third of the CPU time of a
 * copy. All the buffers are young, so collecting only the young generation frees them at almost no cost (`docs/performance.md`). A
 * collection is so little work that waking other threads for it costs more than it saves, especially on a function's single vCPU.
 *
 * Lambda lets the young generation grow to a tenth of the function's memory. A young generation of that size does not make small objects
 * cheaper, because it no longer fits into a cache and fills with garbage before it is collected.
 */
export const createEarlyCollection = (): EarlyCollection => {
  const collect = youngCollector();
  // The bytes of all bodies are counted together, because four bodies that are copied at once accumulate buffers four times as fast as one.
  let flowedBytes = 0;
  let open = 0;
  let growth = 0;
  const count = (chunk: Buffer): void => {
    flowedBytes += chunk.length;
    if (flowedBytes < Math.max(LEAST_BYTES, open * BYTES_PER_BODY)) return;
    flowedBytes = 0;
    collect();
  };
  return {
    watch(body) {
      // The growth factor is calculated again for each body, because V8 shrinks the young generation while there is little to do. With a
      // factor of 1 the young generation would not grow again.
      const wanted = Math.ceil(YOUNG_BYTES / youngBytes());
      if (wanted !== growth) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
      growth = wanted;
      // We listen for data only after the body has begun to flow, because a listener for data would start the flow.
      body.once('resume', () => {
        open += 1;
        body.on('data', count).once('close', () => (open -= 1));
      });
    },
  };
};

/** The current size of the young generation, bytes. */
const youngBytes = (): number => {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space === undefined ? YOUNG_BYTES : space.space_used_size + space.space_available_size;
};

/**
 * Flags that make V8 collect the young generation and sweep array buffers on the main thread. Other background work of V8 remains on other
 * threads.
 */
const ON_THIS_THREAD = ['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping'];

/**
 * Returns a function that calls V8's `gc`, which Node exposes only with a flag. If there is no `gc`, the returned function does nothing.
 */
const youngCollector = (): (() => void) => {
  for (const flag of ['--expose-gc', ...ON_THIS_THREAD]) setFlagsFromString(flag);
  const collect: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof collect === 'function' ? () => void collect({ type: 'minor' }) : () => undefined;
};
