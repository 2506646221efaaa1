/** Refuses requests with an empty key. They would go to the bucket itself: a PUT would create it, and a DELETE would delete it. */
import type { S3Client } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';

/** Makes a client throw `empty-key` before it sends a request with an empty key. Returns the same client. */
export const refuseEmptyKeys = (client: S3Client): S3Client => {
  client.middlewareStack.add(
    (next) => async (args) => {
      if ('Key' in args.input && args.input.Key === '')
        throw new ReplicationError(
          'empty-key',
          'a request with an empty key would concern the bucket itself',
        );
      return await next(args);
    },
    { step: 'initialize', priority: 'high', name: 'replicatorRefusesEmptyKeys' },
  );
  return client;
};
