import type { S3Client } from '@aws-sdk/client-s3';
import type { S3ClientPair } from './clients.ts';

/** Resolves when the next request may be sent. */
export type BeforeRequest = () => Promise<void>;

/** Returns the pair, whose clients wait before every request, also before each attempt that the SDK repeats. */
export const waitingPair = (pair: S3ClientPair, wait: BeforeRequest): S3ClientPair => ({
  ...pair,
  retrying: waiting(pair.retrying, wait),
  single: waiting(pair.single, wait),
  patient: () => waiting(pair.patient(), wait),
});

const waiting = (client: S3Client, wait: BeforeRequest): S3Client => {
  client.middlewareStack.add(
    (next) => async (args) => {
      await wait();
      return await next(args);
    },
    // If the client was given out before, its step is replaced.
    { step: 'finalizeRequest', priority: 'low', name: 'replicatorWaits', override: true },
  );
  return client;
};
