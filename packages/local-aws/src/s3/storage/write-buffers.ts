const WRITE_BYTES = 256 * 1024;

/** Buffers to write files from. They are kept for the next upload, since a new one costs more than what is copied into it. */
export interface WriteBuffers {
  take(): Buffer;
  giveBack(buffer: Buffer): void;
}

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
