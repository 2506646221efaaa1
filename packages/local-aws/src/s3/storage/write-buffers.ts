const WRITE_BYTES = 256 * 1024;

/** Buffers from which files are written. They are reused, because allocating a buffer takes more time than filling it. */
export interface WriteBuffers {
  take(): Buffer;
  giveBack(buffer: Buffer): void;
}

/** Maximum number of unused buffers that are kept. */
const SPARE_BUFFERS = 16;

export const createWriteBuffers = (): WriteBuffers => {
  const spare: Buffer[] = [];
  return {
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(WRITE_BYTES),
    giveBack: (buffer) => {
      if (spare.length < SPARE_BUFFERS) spare.push(buffer);
    },
  };
};
