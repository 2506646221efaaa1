/** Frees the memory of received chunks while a body arrives. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 2 * 1024 * 1024;

/**
 * Returns a function that takes the size of each received chunk and makes V8 collect its young generation every 2 MiB. Each chunk from
 * a socket is a buffer outside V8's heap. Once these buffers add up to some tens of megabytes, V8 marks its whole heap on several
 * threads, which costs half a CPU second per GB. All of them are young, so collecting only the young generation frees them almost
 * for nothing.
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

/** V8's own `gc`, which Node exposes only on request. If it is not exposed, V8 collects at times of its own choice. */
const youngCollector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof collect === 'function' ? () => void collect({ type: 'minor' }) : () => undefined;
};
