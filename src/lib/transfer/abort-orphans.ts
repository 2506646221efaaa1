/**
 * Aborts uploads that this deployment began and that have no record. Such an upload is left behind if the function died before it
 * wrote the record, or could not abort the upload. Only uploads that our own sessions began are aborted, and only if no part was
 * written for a day.
 */
import { lastMovedMs, listedParts } from '../copy/transfer/part-ranges.ts';
import type { TransferDeps } from '../delivery/deps.ts';
import { attempted, blank } from '../delivery/failure.ts';
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import type { DestinationBucket, ListedUpload } from '../model/ports.ts';
import type { RoleDestination } from '../model/rule.ts';

/** How long no part of an upload was written before the upload counts as abandoned. This is far longer than any invocation. */
const ABANDONED_MS = 24 * 3_600_000;

/** Aborts the orphans in all destination buckets. `known` contains the upload ids of all transfers. */
export const abortOrphans = async (
  known: ReadonlySet<string>,
  deps: TransferDeps,
): Promise<{ aborted: number; unreachable: string[] }> => {
  let aborted = 0;
  const unreachable: string[] = [];
  for (const scope of scopesOf(deps)) {
    try {
      aborted += await sweepScope(scope, known, deps);
    } catch (thrown) {
      const { reason, message: detail, requestId } = asReplicationError(thrown);
      const { id, bucket } = scope.destination;
      const common = { ...blank(attempted(1)), destination: id, destinationBucket: bucket };
      deps.reporter.report({ ...common, ending: 'retry', reason, detail, requestId });
      unreachable.push(`${bucket}: ${reason}`);
    }
  }
  return { aborted, unreachable };
};

interface SweepScope {
  destination: RoleDestination;
  prefix: string;
}

/**
 * Returns each destination bucket once for each prefix and role. Buckets with an access key are left out, because nothing shows
 * which user of the key began an upload. Lifecycle rules of these buckets must abort the uploads that are left.
 */
const scopesOf = ({ configuration }: TransferDeps): SweepScope[] => {
  const scopes = new Map<string, SweepScope>();
  for (const { source, destinations } of configuration.rules) {
    for (const destination of destinations) {
      if (destination.service !== null) continue;
      const prefix = destination.prefix ?? source.prefix;
      scopes.set(JSON.stringify([destination.bucket, destination.roleArn, prefix]), { destination, prefix });
    }
  }
  return [...scopes.values()];
};

const sweepScope = async (
  { destination, prefix }: SweepScope,
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

/** Returns the name of the role without its path, because the ARN of a session does not contain the path. */
const roleName = ({ roleArn }: RoleDestination): string => roleArn.split('/').at(-1) ?? roleArn;

/**
 * Resolves to the time when a part of the upload was last written, or to 0 if it has no parts or no longer exists. The age of the
 * upload alone is not enough, because a deployment of the same name in another region may be working on the upload with the same
 * role.
 */
const movedMs = async (bucket: DestinationBucket, { key, uploadId }: ListedUpload): Promise<number> => {
  try {
    return lastMovedMs(await listedParts(bucket, { replicaKey: key, uploadId }));
  } catch (error) {
    if (error instanceof ReplicationError && error.reason === 'lost-race') return 0;
    throw error;
  }
};
