/** Reads the bytes of both sides of a pair, for operators who do not want to rely on the digests that S3 stores. */
import { createHash } from 'node:crypto';
import type { Budget } from '../../model/concurrency.ts';
import { ReplicationError } from '../../model/errors.ts';
import type { Buckets, Clock, ObjectState, Slice, SlicedBody } from '../../model/ports.ts';
import { bucketsOf } from '../../model/task.ts';
import type { Ground, ProvePair, Reading } from './basis.ts';

/** Maximum number of bytes of one request. After a broken connection, only the bytes of its request are read again. */
export const READ_BYTES = 256 * 1024 ** 2;
const PAUSES_MS = [1_000, 5_000, 15_000];

/** The grounds that nobody can forge by writing other bytes to the destination. */
const STANDS: ReadonlySet<Ground> = new Set(['receipt', 'sha', 'md5']);

/**
 * Proves a pair by reading both sides. With `weak`, a pair is read only if its ground would be a CRC or nothing. Resolves to
 * `faked` if the bytes differ although a digest or a stamp claims that they are the same. `budget` limits how many pairs are read
 * at the same time.
 */
export const proveByReading =
  (
    prove: ProvePair,
    reading: Reading,
    { buckets, clock, budget }: { buckets: Buckets; clock: Clock; budget: Budget },
  ): ProvePair =>
  async (task, pair) => {
    const ground = await prove(task, pair);
    if (ground === 'differs' || (reading === 'weak' && ground !== 'faked' && STANDS.has(ground)))
      return ground;
    const { source, destination } = bucketsOf(task, buckets);
    return await budget.run(1, async () => {
      try {
        for (const slice of slicesOf(pair.source)) {
          const [one, other] = await Promise.all([
            hashOf(() => source.read(task.key, pair.source, slice), clock),
            hashOf(() => destination.read(task.replicaKey, pair.replica, slice), clock),
          ]);
          if (one !== other) return 'faked';
        }
        return 'bytes';
      } catch (error) {
        const reason = error instanceof ReplicationError ? error.reason : null;
        // An archived object cannot be read, so its pair keeps its earlier ground. If an object was replaced during the read, nothing is proven.
        if (reason === 'archived') return ground;
        if (reason === 'lost-race') return 'presumed';
        throw error;
      }
    });
  };

function* slicesOf({ sizeBytes }: ObjectState): Generator<Slice> {
  if (sizeBytes <= READ_BYTES) yield { kind: 'whole' };
  else
    for (let firstByte = 0; firstByte < sizeBytes; firstByte += READ_BYTES)
      yield { kind: 'range', firstByte, lastByte: Math.min(firstByte + READ_BYTES, sizeBytes) - 1 };
}

const hashOf = async (read: () => Promise<SlicedBody>, clock: Clock): Promise<string> => {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await hashOnce(read);
    } catch (error) {
      const isFinal = error instanceof ReplicationError && error.disposition !== 'retry';
      if (isFinal || (error instanceof ReplicationError && error.reason === 'lost-race')) throw error;
      await clock.sleep(pauseMs);
    }
  }
  return await hashOnce(read);
};

const hashOnce = async (read: () => Promise<SlicedBody>): Promise<string> => {
  const { body, sizeBytes } = await read();
  const hash = createHash('sha256');
  let received = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    received += chunk.length;
    hash.update(chunk);
  }
  if (received !== sizeBytes) throw new ReplicationError('connection-lost', 'the body ended early');
  return hash.digest('base64');
};
