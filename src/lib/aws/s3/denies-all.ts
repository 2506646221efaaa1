/**
 * Finds out whether a destination that has denied several keys denies everything, and not only those keys or their prefix. It is asked
 * about a key that exists nowhere: first whether it may be read, and then whether it may be written. A multipart upload is begun and
 * aborted for that, because S3 judges it by the permission to put objects, and because nothing is left of it, on no server.
 */
import { ReplicationError } from '../../model/errors.ts';
import { NO_ATTRIBUTES, NO_LOCK } from '../../model/no-attributes.ts';
import type { Buckets } from '../../model/ports.ts';
import type { RuleDestination } from '../../model/rule.ts';

const NO_KEY = 's3-replicator/is-everything-denied';

export const deniesAllIn =
  (buckets: Pick<Buckets, 'destination'>) =>
  async ({ rule, destination }: RuleDestination): Promise<boolean> => {
    const bucket = buckets.destination(destination);
    const key = (destination.prefix ?? rule.source.prefix) + NO_KEY;
    try {
      await bucket.look(key);
      const { storageClass } = destination;
      const attributes = { ...NO_ATTRIBUTES, tags: {}, lock: NO_LOCK, storageClass };
      const { uploadId } = await bucket.createUpload({ key, attributes, checksum: null });
      // An upload that stays behind is removed like every other without a record.
      await bucket.abortUpload({ key, uploadId }).catch(() => undefined);
      return false;
    } catch (error) {
      return error instanceof ReplicationError && error.reason === 'access-denied';
    }
  };
