/** Idempotency records and receipts: Powertools over DynamoDB. */
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
import { translateError } from '../errors.ts';

/** Longer than any message can live: 14 days in the live queue or the dead-letter queue. */
const KEPT_SECONDS = 15 * 24 * 3_600;

/** One store for the execution environment; the context tells when a crashed run's record expires. */
export const createReceiptStore = (tableName: string): ((context: Context) => Receipts) => {
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName,
    awsSdkV3Client: new DynamoDBClient(CONTROL_CLIENT),
  });
  return (context) => {
    const config = new IdempotencyConfig({ expiresAfterSeconds: KEPT_SECONDS, hashFunction: 'sha256' });
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
  // Powertools wraps what the work throws into errors of its own in some cases; ours is kept aside.
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
    throw failure ?? storeError(error);
  }
};

/** The work itself did not fail: the store did, or it knows of a run that has not ended. */
const storeError = (error: unknown): ReplicationError => {
  if (
    error instanceof IdempotencyAlreadyInProgressError ||
    error instanceof IdempotencyInconsistentStateError
  ) {
    return new ReplicationError('in-progress', 'another invocation works on the same hint', { cause: error });
  }
  const cause = error instanceof IdempotencyPersistenceLayerError ? (error.cause ?? error) : error;
  const translated = translateError(cause, 'idempotency table');
  if (translated.disposition === 'retry') return translated;
  // Nothing is wrong with the object: trouble with this table must not send the whole live stream to a person.
  const { message, requestId } = translated;
  return new ReplicationError('service-error', message, { cause, requestId });
};
