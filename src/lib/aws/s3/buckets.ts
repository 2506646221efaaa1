/**
 * The buckets of one invocation, and the targets of the calls to these buckets. `signal` aborts every call when the invocation is nearly
 * over.
 */
import type { AnswerWatch, Buckets } from '../../model/ports.ts';
import type { Destination, Source } from '../../model/rule.ts';
import type { Target } from './client/call.ts';
import type { S3Clients } from './client/clients.ts';
import { createDestinationBucket } from './destination-bucket.ts';
import { createSourceBucket } from './source-bucket.ts';

/** Creates the buckets of one invocation. `watch` watches the calls to destinations; null: no watch. */
export const createBuckets = (
  clients: S3Clients,
  signal: AbortSignal,
  watch: AnswerWatch | null = null,
): Buckets => ({
  source: ({ source }) => createSourceBucket(sourceTarget(source, clients, signal), source.bucket),
  destination: (destination) =>
    createDestinationBucket(
      {
        ...destinationTarget(destination, clients, signal),
        watch: watch === null ? null : (call) => watch.begin(destination, call),
      },
      destination,
    ),
});

export const sourceTarget = (source: Source, clients: S3Clients, signal: AbortSignal): Target => ({
  clients,
  pair: () => clients.source(source),
  signal,
  bucket: source.bucket,
  name: `source bucket ${source.bucket}`,
  side: 'source',
  watch: null,
});

export const destinationTarget = (
  destination: Destination,
  clients: S3Clients,
  signal: AbortSignal,
): Target => ({
  clients,
  pair: () => clients.destination(destination),
  signal,
  bucket: destination.bucket,
  name: `destination bucket ${destination.bucket}`,
  side: 'destination',
  watch: null,
});
