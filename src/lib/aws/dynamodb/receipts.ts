/** Stores idempotency records and receipts in DynamoDB, by means of Powertools. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyInconsistentStateError,
  IdempotencyPersistenceLayerError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { Context } from 'aws-lambda';
import { ReplicationError } from '../../model/errors.ts';
import type { Receipt } from '../../delivery/outcome.ts';
import type { Receipts } from '../../delivery/deps.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateTableError } from '../errors.ts';

/**
 * How long a receipt is kept. No message is kept as long, because the live queue and the dead-letter queue keep messages for only 14 days.
 */
const RECEIPT_SECONDS = 15 * 24 * 3_600;

/**
 * Creates the store of an execution environment. From the context, Powertools reads the time at which the invocation times out. If the
 * invocation crashes, its record expires at that time.
 */
export const createReceiptStore = (tableName: string): ((context: Context) => Receipts) => {
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName,
    awsSdkV3Client: new DynamoDBClient(CONTROL_CLIENT),
  });
  return (context) => {
    const config = new IdempotencyConfig({ expiresAfterSeconds: RECEIPT_SECONDS, hashFunction: 'sha256' });
    config.registerLambdaContext(context);
    return { once: (identity, work) => once(persistenceStore, config, identity, work) };
  };
};

const once = async (
  persistenceStore: DynamoDBPersistenceLayer,
  config: IdempotencyConfig,
  identity: string,
  work: () => Promise<Receipt>,
): Promise<{ receipt: Receipt; duplicate: boolean }> => {
  let duplicate = true;
  // In some cases Powertools wraps the error that `work` throws. `failure` keeps the original error, so that it can be thrown unchanged.
  let failure: unknown = null;
  const run = makeIdempotent(
    async (_identity: string): Promise<Record<keyof Receipt, string | number | null>> => {
      duplicate = false;
      try {
        return { ...(await work()) };
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    { persistenceStore, config },
  );
  try {
    return { receipt: (await run(identity)) as Receipt, duplicate };
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
