/** What the command line works with, as whoever is signed in: runs of a deployment, and both buckets of a rule. */
import { S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Buckets } from '../model/ports.ts';
import type { Listings, RunQueues } from '../runs/ports.ts';
import type { RunStore } from '../runs/run-store.ts';
import type { TransferStore } from '../copy/transfer/transfer.ts';
import { createListings } from './s3/bucket-listing.ts';
import { createBuckets } from './s3/buckets.ts';
import { createS3Clients, type S3ClientPair, type S3Clients } from './s3/clients.ts';
import { CONTROL_CLIENT } from './control-client.ts';
import { toQueueError } from './queue-error.ts';
import { createRunQueues } from './sqs/run-queues.ts';
import { createRunStore } from './dynamodb/run-store.ts';
import { SDK_LOGGER } from './sdk-logger.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';

/** The queues are looked for when they are used first: who only looks at runs needs no right to them. */
export const openRuns = (place: {
  runsTable: string;
  rangesQueue: string;
  backfillQueue: string;
  region: string;
}): { store: RunStore; queues: RunQueues } => {
  const { runsTable, rangesQueue, backfillQueue, region } = place;
  const client = new SQSClient({ ...CONTROL_CLIENT, region });
  let found: Promise<RunQueues> | null = null;
  const find = async (): Promise<RunQueues> => {
    const [rangesUrl, hintsUrl] = [
      await urlOf(client, rangesQueue, region),
      await urlOf(client, backfillQueue, region),
    ];
    return createRunQueues(client, { rangesUrl, hintsUrl });
  };
  const queues = (): Promise<RunQueues> => (found ??= find());
  return {
    store: createRunStore(runsTable, region),
    queues: {
      send: async (...given) => (await queues()).send(...given),
      sendHints: async (hints) => (await queues()).sendHints(hints),
      hintsLeft: async () => (await queues()).hintsLeft(),
    },
  };
};

export const openTransfers = (table: string, region: string): Pick<TransferStore, 'all'> =>
  createTransferStore(table, region);

/** Throws {@link QueueError}. */
const urlOf = async (client: SQSClient, queueName: string, region: string): Promise<string> => {
  try {
    const { QueueUrl: url = '' } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }));
    return url;
  } catch (error) {
    throw toQueueError(error, { action: 'sqs:GetQueueUrl', queueName, region });
  }
};

/**
 * The source is read by whoever is signed in, never by the rule's source role, which trusts the function. The destination is read by
 * the replication role if that trusts the operator too, or by a profile of the shared configuration files.
 */
export const openBuckets = ({
  region,
  destinationProfile,
  signal,
}: {
  /** Of the source. */
  region: string;
  /** Null: the replication role is assumed. */
  destinationProfile: string | null;
  signal: AbortSignal;
}): { listings: Listings; buckets: Buckets } => {
  const clients = createS3Clients({ region, sessionName: 's3-replicator-operator' });
  const pairs = new Map<string, S3ClientPair>();
  const ofProfile = (profile: string, place: string): S3ClientPair => {
    const known = pairs.get(place);
    if (known !== undefined) return known;
    const { forcePathStyle, requestHandler } = clients.own.retrying.config;
    // The profile wins over AWS_ACCESS_KEY_ID, of which the SDK would warn on the console.
    const settings = { region: place, profile, forcePathStyle, requestHandler, logger: SDK_LOGGER };
    const single = new S3Client({ ...settings, maxAttempts: 1 });
    const pair = { retrying: new S3Client(settings), single, patient: () => single };
    pairs.set(place, pair);
    return pair;
  };
  const operator: S3Clients = {
    ...clients,
    source: () => clients.own,
    destination: (destination) =>
      destinationProfile === null
        ? clients.destination(destination)
        : ofProfile(destinationProfile, destination.region),
  };
  return { listings: createListings(operator, signal), buckets: createBuckets(operator, signal) };
};
