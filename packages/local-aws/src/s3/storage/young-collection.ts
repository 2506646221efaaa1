/** Frees the chunks of bodies while they come. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 2 * 1024 * 1024;

/**
 * Told of all bytes that come, has V8 collect its young generation every 2 MiB. Each chunk out of a socket is a buffer outside of V8's
 * heap, and when some tens of megabytes of them have piled up, V8 marks its whole heap, on several threads: half a CPU second per
 * GB. They are all young, so that collecting the young generation alone frees them for next to nothing.
 */
export const createYoungCollection = (): ((sizeBytes: number) => void) => {
  const collect = youngCollector();
  let receivedBytes = 0;
  return (sizeBytes) => {
    receivedBytes += sizeBytes;
    if (receivedBytes < EVERY_BYTES) return;
    receivedBytes = 0;
    collect();
  };
};

/** V8's own `gc`, which Node shows only when asked; where it does not, V8 collects as it pleases. */
const youngCollector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof collect === 'function' ? () => void collect({ type: 'minor' }) : () => undefined;
};
