/**
 * Uploads that this deployment began and nobody knows of: the function died between beginning them and writing it down, or could
 * not abort them. Only those that are ours, by the session that began them, and at which nobody has worked for a day.
 */
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import type { TransferDeps } from '../delivery/deps.ts';
import type { DestinationBucket, ListedUpload } from '../model/ports.ts';
import type { Destination } from '../model/rule.ts';
import { blank } from '../delivery/settle.ts';
import { lastMovedMs } from '../copy/transfer/part-ranges.ts';
import { partsThere } from '../copy/transfer/part-ranges.ts';

/** Far longer than any invocation. */
const ABANDONED_MS = 24 * 3_600_000;

/** `known`: the uploads of all transfers, read before. */
export const abortOrphans = async (
  known: ReadonlySet<string>,
  deps: TransferDeps,
): Promise<{ aborted: number; unreachable: string[] }> => {
  let aborted = 0;
  const unreachable: string[] = [];
  for (const place of placesOf(deps)) {
    try {
      aborted += await sweepPlace(place, known, deps);
    } catch (thrown) {
      const { reason, message: detail, requestId } = asReplicationError(thrown);
      const { id, bucket } = place.destination;
      const common = { ...blank({ receiveCount: 1 }), destination: id, destinationBucket: bucket };
      deps.reporter.report({ ...common, ending: 'retry', reason, detail, requestId });
      unreachable.push(`${bucket}: ${reason}`);
    }
  }
  return { aborted, unreachable };
};

interface Place {
  destination: Destination;
  prefix: string;
}

/** Each bucket once for each prefix and role. */
const placesOf = ({ configuration }: TransferDeps): Place[] => {
  const places = new Map<string, Place>();
  for (const { source, destinations } of configuration.rules) {
    for (const destination of destinations) {
      const prefix = destination.prefix ?? source.prefix;
      places.set(JSON.stringify([destination.bucket, destination.roleArn, prefix]), { destination, prefix });
    }
  }
  return [...places.values()];
};

const sweepPlace = async (
  { destination, prefix }: Place,
  known: ReadonlySet<string>,
  { buckets, clock, sessionName }: TransferDeps,
): Promise<number> => {
  const bucket = buckets.destination(destination);
  const beforeMs = clock.now() - ABANDONED_MS;
  const ours = `:assumed-role/${roleName(destination)}/${sessionName}`;
  let aborted = 0;
  for await (const upload of bucket.uploads(prefix)) {
    const { key, uploadId, initiatedMs, initiator } = upload;
    if (initiator?.endsWith(ours) !== true || known.has(uploadId) || initiatedMs > beforeMs) continue;
    if ((await movedMs(bucket, upload)) > beforeMs) continue;
    await bucket.abortUpload({ key, uploadId });
    aborted += 1;
  }
  return aborted;
};

/** The ARN of a session leaves the path of the role out. */
const roleName = ({ roleArn }: Destination): string => roleArn.split('/').at(-1) ?? roleArn;

/** A deployment of the same name, in another region, may be at work there with the same role. 0: never, or it is gone. */
const movedMs = async (bucket: DestinationBucket, { key, uploadId }: ListedUpload): Promise<number> => {
  try {
    return lastMovedMs(await partsThere(bucket, { replicaKey: key, uploadId }));
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return 0;
    throw error;
  }
};
