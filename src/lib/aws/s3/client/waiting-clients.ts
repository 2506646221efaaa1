import type { S3Client } from '@aws-sdk/client-s3';
import type { S3ClientPair } from './clients.ts';

/** Resolves when the next request may be sent. */
export type BeforeRequest = () => Promise<void>;

/** Returns the pair with clients that wait before every request, and also before each retry by the SDK. */
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
    // `override` replaces the hook of a client that already has one.
    { step: 'finalizeRequest', priority: 'low', name: 'replicatorWaits', override: true },
  );
  return client;
};
