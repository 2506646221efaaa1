/** Stores idempotency records and receipts in DynamoDB, by means of Powertools. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyInconsistentStateError,
  IdempotencyPersistenceLayerError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import type { Context } from 'aws-lambda';
import { ReplicationError } from '../../model/errors.ts';
import type { Receipt } from '../../delivery/outcome.ts';
import type { Receipts } from '../../delivery/deps.ts';
import { newerThanKnown, schemaField } from '../../model/schemas.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateTableError } from '../errors.ts';
import { type Claim, ClaimRecords } from './claim-records.ts';

/**
 * How long a receipt is kept. No message is kept as long, because the live queue and the dead-letter queue keep messages for only 14 days.
 */
const RECEIPT_SECONDS = 15 * 24 * 3_600;

/**
 * How many deliveries of a message in a row may die before the message is quarantined. Each death delays the other messages of its batch
 * by the visibility timeout of their queue.
 */
const DEATH_LIMIT = 8;

/**
 * Creates the store of an execution environment. From the context, Powertools reads the time at which the invocation times out. If the
 * invocation crashes, its records expire at that time, and the next delivery of the same message takes them over even earlier.
 */
export const createReceiptStore = (tableName: string): ((context: Context) => Receipts) => {
  const records = new ClaimRecords(new DynamoDBClient(CONTROL_CLIENT), tableName);
  return (context) => {
    const config = new IdempotencyConfig({ expiresAfterSeconds: RECEIPT_SECONDS, hashFunction: 'sha256' });
    config.registerLambdaContext(context);
    return {
      once: (identity, { message, delivery }, work) =>
        once(records, config, { identity, message, delivery, deaths: 0 }, work),
    };
  };
};

const once = async (
  persistenceStore: ClaimRecords,
  config: IdempotencyConfig,
  claim: Claim,
  work: () => Promise<Receipt>,
): Promise<{ receipt: Receipt; duplicate: boolean }> => {
  let duplicate = true;
  // In some cases Powertools wraps the error that `work` throws. `failure` keeps the original error, so that it can be thrown unchanged.
  let failure: unknown = null;
  const run = makeIdempotent(
    async ({ deaths }: Claim): Promise<Partial<Record<keyof Receipt | 'v', string | number | null>>> => {
      duplicate = false;
      try {
        if (deaths >= DEATH_LIMIT)
          throw new ReplicationError(
            'crashed-or-timed-out',
            `${deaths} invocations in a row died of this message`,
          );
        return { ...schemaField('receipt'), ...(await work()) };
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    { persistenceStore, config },
  );
  try {
    const { v, ...stored } = await run(claim);
    // The receipt of a newer release proves nothing to this release, so the work is done again.
    if (newerThanKnown('receipt', v) !== null) return { receipt: await work(), duplicate: false };
    return { receipt: stored as Receipt, duplicate };
  } catch (error) {
    throw failure ?? receiptError(error);
  }
};

/** Translates a failure of the store itself, or the error by which Powertools reports that another invocation has not ended. */
const receiptError = (error: unknown): ReplicationError => {
  if (
    error instanceof IdempotencyAlreadyInProgressError ||
    error instanceof IdempotencyInconsistentStateError
  ) {
    return new ReplicationError('in-progress', 'another invocation works on the same hint', { cause: error });
  }
  const cause = error instanceof IdempotencyPersistenceLayerError ? (error.cause ?? error) : error;
  return translateTableError(cause, 'idempotency table');
};
