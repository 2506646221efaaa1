/**
 * User metadata may have any name, even `__proto__`. The SDK assigns each value to a member of a plain object. In JavaScript an
 * assignment to the member `__proto__` of such an object is lost without an error, so the replica would lack this entry.
 */
import type { S3Client } from '@aws-sdk/client-s3';

const LOST_NAME = '__proto__';

/** Makes a client keep the metadata entry whose name the SDK loses. Returns the same client. */
export const keepEveryMetadataName = (client: S3Client): S3Client => {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      const value = headers?.[`x-amz-meta-${LOST_NAME}`];
      const { Metadata: metadata } = result.output as { Metadata?: Record<string, string> };
      if (value !== undefined && metadata !== undefined)
        Object.defineProperty(metadata, LOST_NAME, { value, enumerable: true });
      return result;
    },
    // With high priority this hook is the first of its step. It sees the response after the SDK has read it.
    { step: 'deserialize', priority: 'high', name: 'replicatorMetadataNames' },
  );
  return client;
};
