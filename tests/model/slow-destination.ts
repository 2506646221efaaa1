/** A destination bucket to which parts take time. */
import type { DestinationBucket } from '../../src/lib/model/ports.ts';

/** Returns a function that counts the bytes of a part and advances the clock by the time that they take. */
export const takingTime =
  (
    { moved }: { moved: { bytes: number; parts: number } },
    bytesPerSecond: number | undefined,
    pass: (ms: number) => void,
  ) =>
  (bytes: number): void => {
    moved.bytes += bytes;
    moved.parts += 1;
    pass(Math.ceil((bytes / (bytesPerSecond ?? 80 * 1024 * 1024)) * 1_000));
  };

/** Returns a destination whose parts take the time that `take` counts. */
export const slow = (destination: DestinationBucket, take: (bytes: number) => void): DestinationBucket => ({
  ...destination,
  async uploadPart(request) {
    take(request.sizeBytes);
    return await destination.uploadPart(request);
  },
  async copyPart(request) {
    const part = await destination.copyPart(request);
    take(request.bytes === null ? 0 : request.bytes.last - request.bytes.first + 1);
    return part;
  },
});
