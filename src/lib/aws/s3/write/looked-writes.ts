/**
 * Writes to a service that ignores the conditions of requests: look at the replica, write, look again. If somebody else writes between the
 * first look and our write, our write may put an older state over a newer one. The second look shows whether somebody else wrote after us.
 * The fresh look at the source after each write shows whether our state is too old. In both cases converge begins its next round
 * (`docs/other-s3.md`).
 */
import { ReplicationError } from '../../../model/errors.ts';
import type { Current, DestinationBucket, Precondition, Written } from '../../../model/ports.ts';
import type { Destination } from '../../../model/rule.ts';
import type { BucketAnswers } from '../client/bucket-answers.ts';

/** The condition that a request carries. `unchecked`: no condition, because the service would ignore it. */
export type SentCondition = Precondition | { kind: 'unchecked' };

/** The request of a write, with the condition that it carries. */
export type Sent<Operation extends 'completeUpload' | 'put'> = Omit<
  Parameters<DestinationBucket[Operation]>[0],
  'precondition'
> & { precondition: SentCondition };

export interface Writes {
  /** Writes under the condition. `send` gets the condition that its request must carry. */
  write(
    request: { key: string; precondition: Precondition },
    send: (condition: SentCondition) => Promise<Written>,
  ): Promise<Written>;
  /** Deletes the object with this ETag. `send` gets the ETag for its request; null: no condition. */
  remove<T>(request: { key: string; etag: string }, send: (etag: string | null) => Promise<T>): Promise<T>;
}

/**
 * Creates the writes of one destination. `overMarkers` remembers whether a service accepts `If-None-Match: *` over a delete
 * marker, as AWS does.
 */
export const createWrites = (
  destination: Destination,
  { look, overMarkers }: { look: (key: string) => Promise<Current>; overMarkers: BucketAnswers },
): Writes => {
  const checked: Writes = {
    write: ({ precondition }, send) => send(precondition),
    remove: ({ etag }, send) => send(etag),
  };
  if (destination.service === null) return checked;
  const looked = lookedWrites(look);
  if (destination.conditionalWrites === 'none') return looked;
  const { bucket } = destination;
  return {
    ...checked,
    async write(request, send) {
      if (request.precondition.kind === 'unchanged') return await send(request.precondition);
      // A refused write cannot be repeated in this call, because its body is used up. Instead, the next round of the protocol writes over
      // the marker.
      if (!(await overMarkers.get(bucket, async () => true)) && (await look(request.key)).kind === 'marker')
        return await looked.write(request, send);
      try {
        return await send(request.precondition);
      } catch (error) {
        if (isRaceLost(error) && (await look(request.key)).kind === 'marker') overMarkers.set(bucket, false);
        throw error;
      }
    },
  };
};

const isRaceLost = (error: unknown): boolean =>
  error instanceof ReplicationError && error.reason === 'lost-race';

const lookedWrites = (look: (key: string) => Promise<Current>): Writes => ({
  async write({ key, precondition }, send) {
    const etag = precondition.kind === 'absent' ? null : precondition.etag;
    if (etagOf(await look(key)) !== etag) throw moved(key);
    const written = await send({ kind: 'unchecked' });
    const now = await look(key);
    if (now.kind !== 'object' || !isThat(now.state, written)) throw moved(key);
    return written;
  },
  async remove({ key, etag }, send) {
    if (etagOf(await look(key)) !== etag) throw moved(key);
    const removed = await send(null);
    if ((await look(key)).kind === 'object') throw moved(key);
    return removed;
  },
});

const etagOf = (shown: Current): string | null => (shown.kind === 'object' ? shown.state.etag : null);

const isThat = (shown: { etag: string; versionId: string | null }, written: Written): boolean =>
  shown.etag === written.etag && (written.versionId === null || shown.versionId === written.versionId);

const moved = (key: string): ReplicationError =>
  new ReplicationError('lost-race', `somebody else wrote ${key} at the destination`);
