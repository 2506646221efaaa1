/**
 * Finds out whether a destination that has denied several keys denies everything, or only those keys or their prefix. The test uses a key
 * that exists nowhere. It tries to read the key, and then begins and aborts a multipart upload of it. S3 requires the permission to put
 * objects for that upload, and an aborted upload leaves nothing behind on any server.
 */
import { ReplicationError } from '../../../model/errors.ts';
import { NO_ATTRIBUTES, NO_LOCK } from '../../../model/no-attributes.ts';
import type { Buckets } from '../../../model/ports.ts';
import type { RuleDestination } from '../../../model/rule.ts';

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
      // If the abort fails, the upload is removed later, like every upload without a record.
      await bucket.abortUpload({ key, uploadId }).catch(() => undefined);
      return false;
    } catch (error) {
      return error instanceof ReplicationError && error.reason === 'access-denied';
    }
  };
