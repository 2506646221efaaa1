/** Gives the command line access to runs, transfers, and both buckets of a rule, with the credentials of the operator. */
import { GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { TransferStore } from '../copy/transfer/transfer.ts';
import { QueueError } from '../dead-letters/queue.ts';
import { formatHint } from '../hint/hint.ts';
import type { BrakeLedger } from '../model/brake.ts';
import type { Buckets } from '../model/ports.ts';
import type { Destination, ReplicationRule, RuleDestination } from '../model/rule.ts';
import type { ServiceAnswers } from '../model/service-answers.ts';
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
import { type Access, accessPair, type Place, placeOf } from './s3/client/access.ts';
import { createListings } from './s3/bucket-listing.ts';
import { createBuckets } from './s3/buckets.ts';
import { createS3Clients, type S3ClientPair, type S3Clients } from './s3/client/clients.ts';
import { environmentEndpoint, isOfAws } from './s3/client/path-style.ts';
import { probeService } from './s3/probe/probe-service.ts';
import { type BeforeRequest, waitingPair } from './s3/client/waiting-clients.ts';
import { createSqsClient, messagesIn } from './sqs/queues.ts';
import { createWaitingQueues, type SendBack, waitingUrlOf } from './sqs/waiting-queues.ts';

/**
 * Opens the runs of a deployment. The functions send the messages, so an operator who only reads runs needs no permission to
 * send.
 */
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

/** Opens the waiting queues. All queues are in the account and region of the live queue, which is looked up by its name. */
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

/** A bucket that a person names, and the account that must own it; null: any account. */
export type NamedBucket = Access & { bucket: string; owner: string | null };

/** How both buckets are reached. A side that is null is reached as its rule says. */
export interface BucketsAccess {
  /** The region of the source of the rule, which is also where sessions begin. */
  region: string;
  source: NamedBucket | null;
  destination: NamedBucket | null;
  signal: AbortSignal;
  /** Awaited before every request to S3, so that the requests stay within a rate; null or left out: no rate. */
  beforeRequest?: BeforeRequest | null;
}

/** Both buckets of a rule, as a person reaches them from a shell. */
export interface OpenBuckets {
  listings: Listings;
  buckets: Buckets;
  /** Whether both buckets are at the same endpoint and in the same partition, so that S3 may be able to copy by itself. */
  isOnePlace: boolean;
  /** The time at the server of the source. The SDK corrects it if it differs by five minutes or more. */
  serverNow(rule: Pick<ReplicationRule, 'source'>): number;
  /** The URL of the destination's service; null: AWS, or the rule names the service. */
  endpoint: string | null;
  /** Finds out what the service of the destination can do, by trying it with a key below `prefix`. */
  askService(destination: Destination, prefix: string): Promise<ServiceAnswers>;
}

/**
 * Opens both buckets of a rule. A side without its own access is reached as its rule says. The source is reached with the
 * credentials of the operator, never with the rule's source role, because that role trusts only the function. The destination is
 * reached with the replication role, which must trust the operator too.
 */
export const openBuckets = async ({
  region,
  source,
  destination,
  signal,
  beforeRequest = null,
}: BucketsAccess): Promise<OpenBuckets> => {
  const clients = createS3Clients({
    region,
    sessionName: 's3-replicator-operator',
    ownAccount: callerAccount(region),
  });
  const like = clients.own(null);
  const from = source === null ? null : await placeOf(source, source.bucket);
  const to = destination === null ? null : await placeOf(destination, destination.bucket);
  const sourcePair = source && from && accessPair(source, from, { like, owner: source.owner });
  const destinationPair =
    destination && to && accessPair(destination, to, { like, owner: destination.owner });
  const paced = (pair: S3ClientPair): S3ClientPair =>
    beforeRequest === null ? pair : waitingPair(pair, beforeRequest);
  const operator: S3Clients = {
    ...clients,
    source: (rule) =>
      paced(sourcePair ?? (rule.service === null ? clients.own(rule.account) : clients.source(rule))),
    destination: (bucket) => paced(destinationPair ?? clients.destination(bucket)),
    // For a bucket that a person names, the account of the rule does not count.
    ...(source === null ? {} : { accountOf: async () => source.owner }),
  };
  return {
    listings: createListings(operator, signal),
    buckets: createBuckets(operator, signal),
    isOnePlace: isOnePlace(from, to),
    serverNow: ({ source: of }) => Date.now() + operator.source(of).retrying.config.systemClockOffset,
    endpoint: to === null || to.endpoint === null || isOfAws(to.endpoint) ? null : to.endpoint,
    async askService(asked, prefix) {
      const { retrying } = operator.destination(asked);
      try {
        return await probeService(retrying, { bucket: asked.bucket, prefix, nowMs: Date.now() });
      } catch (error) {
        throw translateError(error, `the probe of ${asked.bucket}`);
      }
    },
  };
};

/**
 * Returns true if both sides are at the same endpoint and in the same partition. A side is null if it is reached as its rule says.
 * Such a side is assumed to be in the partition of the other side.
 */
const isOnePlace = (from: Place | null, to: Place | null): boolean => {
  const [here, there] = [from, to].map((place) => (place === null ? environmentEndpoint() : place.endpoint));
  const isOnePartition = from === null || to === null || partitionOf(from.region) === partitionOf(to.region);
  return here === there && isOnePartition;
};

/** Returns the partition of a region. Only regions outside the usual partition, `aws`, have names that begin with one of these words. */
const partitionOf = (region: string): string =>
  /^(?:cn|us-gov|us-iso|eu-isoe|eusc)/.exec(region)?.[0] ?? 'aws';

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
