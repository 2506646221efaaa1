/** Gives the command line access to runs, transfers, and both buckets of a rule, with the credentials of the operator. */
import { S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { TransferStore } from '../copy/transfer/transfer.ts';
import { QueueError } from '../dead-letters/queue.ts';
import { formatHint } from '../hint/hint.ts';
import type { BrakeLedger } from '../model/brake.ts';
import type { Buckets } from '../model/ports.ts';
import type { RuleDestination } from '../model/rule.ts';
import type { VersionReceipts } from '../replica/version-receipt.ts';
import type { Listings, RunQueues } from '../runs/ports.ts';
import type { RunStore } from '../runs/run-store.ts';
import { createBrakeLedger } from './dynamodb/brake-ledger.ts';
import { createCircuitStore } from './dynamodb/circuit-store.ts';
import { createRunStore } from './dynamodb/run-store.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';
import { createVersionReceipts } from './dynamodb/version-receipts.ts';
import { CONTROL_CLIENT } from './control-client.ts';
import { toQueueError, translateError } from './errors.ts';
import { createForwarder, createWaker } from './forwarder.ts';
import { createListings } from './s3/bucket-listing.ts';
import { createBuckets } from './s3/buckets.ts';
import { createS3Clients, type S3ClientPair, type S3Clients } from './s3/clients.ts';
import { expectOwner } from './s3/expected-owner.ts';
import { profileEndpoint } from './s3/profile-endpoint.ts';
import { SDK_LOGGER } from './sdk-logger.ts';
import { createSqsClient, messagesIn } from './sqs/queues.ts';
import { createWaitingQueues, type SendBack, waitingUrlOf } from './sqs/waiting-queues.ts';

/** The functions send the messages. An operator who only reads runs needs no permission for them. */
export const openRuns = (place: {
  runsTable: string;
  backfillQueue: string;
  replicateFunction: string;
  backfillFunction: string;
  region: string;
}): { store: RunStore; queues: RunQueues } => {
  const { runsTable, backfillQueue, replicateFunction, backfillFunction, region } = place;
  const client = createSqsClient(region);
  const wake = createWaker(backfillFunction, region);
  const forward = createForwarder(replicateFunction, region);
  return {
    store: createRunStore(runsTable, region),
    queues: {
      send: (messages) => wake([...new Set(messages.map(({ run }) => run))]),
      async sendHints(hints) {
        const messages = hints.map((hint) => ({ body: formatHint(hint), attributes: {} }));
        const accepted = await forward('backfill', messages);
        if (accepted.length < messages.length)
          throw new QueueError('aws-failed', `SQS refused ${messages.length - accepted.length} hints`);
      },
      hintsLeft: async () => messagesIn(client, await urlOf(client, backfillQueue, region), 'backfill'),
    },
  };
};

/** Looks up the URL of a queue. Throws {@link QueueError}. */
const urlOf = async (client: SQSClient, queueName: string, region: string): Promise<string> => {
  try {
    const { QueueUrl: url = '' } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }));
    return url;
  } catch (error) {
    throw toQueueError(error, { action: 'sqs:GetQueueUrl', resource: `queue ${queueName}`, region });
  }
};

/** The queues are looked up by the name of the live queue. They are in the same account and region. */
export const openWaiting = async (
  names: Record<'liveQueue' | 'waitingQueues' | 'table' | 'replicateFunction', string>,
  region: string,
) => {
  const client = createSqsClient(region);
  const live = await urlOf(client, names.liveQueue, region);
  const forward = createForwarder(names.replicateFunction, region);
  const sendBack: SendBack = async (origin, messages) => {
    const wires = messages.map((message) => ({
      body: message.body,
      attributes: message.attributes,
      message,
    }));
    return (await forward(origin, wires)).map(({ message }) => message);
  };
  const waitingUrl = waitingUrlOf(live, names.waitingQueues);
  return {
    circuits: createCircuitStore(names.table, region),
    queues: createWaitingQueues(client, { liveUrl: live, sendBack }, waitingUrl),
    count: (where: RuleDestination) => messagesIn(client, waitingUrl(where), 'waiting'),
  };
};

export const openVersionReceipts = (table: string, region: string): Pick<VersionReceipts, 'find'> =>
  createVersionReceipts(table, { region });

export const openBrakeLedger = (table: string, region: string): BrakeLedger =>
  createBrakeLedger(table, region);

export const openTransfers = (table: string, region: string): Pick<TransferStore, 'all'> =>
  createTransferStore(table, region);

/**
 * The source is read with the credentials of the operator, never with the rule's source role, because that role trusts only the function.
 * The destination is read with the replication role, which must trust the operator too, or with a profile of the shared configuration
 * files.
 */
export const openBuckets = async ({
  region,
  destinationProfile,
  signal,
}: {
  /** The region of the source. */
  region: string;
  /** A profile of the shared configuration files. If it is null, the replication role is assumed. */
  destinationProfile: string | null;
  signal: AbortSignal;
}): Promise<{ listings: Listings; buckets: Buckets }> => {
  const ownAccount = callerAccount(region);
  const clients = createS3Clients({ region, sessionName: 's3-replicator-operator', ownAccount });
  const operator: S3Clients = {
    ...clients,
    source: ({ account }) => clients.own(account),
    ...(destinationProfile === null
      ? {}
      : { destination: await clientsOfProfile(destinationProfile, clients) }),
  };
  return { listings: createListings(operator, signal), buckets: createBuckets(operator, signal) };
};

/** Returns a function that asks for the account of the operator's credentials, once. AWS needs no permission for the answer. */
export const callerAccount = (region: string): (() => Promise<string>) => {
  let account: Promise<string> | null = null;
  const ask = async (): Promise<string> => {
    const sts = new STSClient({ region, ...CONTROL_CLIENT });
    try {
      const { Account: answer = '' } = await sts.send(new GetCallerIdentityCommand({}));
      return answer;
    } catch (error) {
      throw translateError(error, 'GetCallerIdentity');
    } finally {
      sts.destroy();
    }
  };
  return () => (account ??= ask());
};

/** Creates one pair of clients for each region and owner of buckets, on first use. */
const clientsOfProfile = async (profile: string, { own }: S3Clients): Promise<S3Clients['destination']> => {
  const pairs = new Map<string, S3ClientPair>();
  const { forcePathStyle, requestHandler } = own(null).retrying.config;
  const endpoint = await profileEndpoint(profile);
  const place = endpoint === undefined ? { forcePathStyle } : { endpoint, forcePathStyle: true };
  return ({ region, account }) => {
    const name = `${region} ${account}`;
    const known = pairs.get(name);
    if (known !== undefined) return known;
    // The profile takes precedence over AWS_ACCESS_KEY_ID. Without this logger, the SDK would write a warning about this precedence to the
    // console.
    const settings = { region, profile, ...place, requestHandler, logger: SDK_LOGGER };
    const owner = async (): Promise<string> => account;
    const single = expectOwner(new S3Client({ ...settings, maxAttempts: 1 }), owner);
    const retrying = expectOwner(new S3Client(settings), owner);
    const pair = { retrying, single, patient: () => single, owner, caller: async () => null };
    pairs.set(name, pair);
    return pair;
  };
};
