/** The buckets of one invocation. */
import type { Buckets } from '../../model/ports.ts';
import type { S3Clients } from './clients.ts';
import { createDestinationBucket } from './destination-bucket.ts';
import { createSourceBucket } from './source-bucket.ts';

/** `signal` aborts every call when the invocation is nearly over. */
export const createBuckets = (clients: S3Clients, signal: AbortSignal): Buckets => ({
  source: ({ source }) =>
    createSourceBucket(
      { clients, pair: () => clients.source(source), signal, name: `source bucket ${source.bucket}` },
      source.bucket,
    ),
  destination: (destination) =>
    createDestinationBucket(
      {
        clients,
        pair: () => clients.destination(destination),
        signal,
        name: `destination bucket ${destination.bucket}`,
      },
      destination,
    ),
});
