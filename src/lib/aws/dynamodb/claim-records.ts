/** Idempotency records of Powertools that a later delivery of the same message may take over. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { IdempotencyItemAlreadyExistsError } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import type { Delivery } from '../../delivery/deps.ts';

/** The payload that Powertools passes to the records. Only `identity` goes into the key of the record. */
export interface Claim extends Delivery {
  identity: string;
  /** How many deliveries of the message have died in a row. `saveInProgress` sets this number. */
  deaths: number;
}

type Item = Record<string, AttributeValue>;
type Payload = Parameters<DynamoDBPersistenceLayer['saveInProgress']>[0];

/**
 * Changes how Powertools begins a record. Without this change, nobody can take over a record in progress before the invocation
 * that began it must have ended. It is a class, because Powertools can be extended only by inheritance.
 */
export class ClaimRecords extends DynamoDBPersistenceLayer {
  readonly #table: { client: DynamoDBClient; name: string };

  constructor(client: DynamoDBClient, name: string) {
    super({ tableName: name, awsSdkV3Client: client });
    this.#table = { client, name };
  }

  protected override getHashedIdempotencyKey(data: Payload): string {
    return super.getHashedIdempotencyKey(claimIn(data).identity);
  }

  /**
   * Begins the record. A record in progress of the same message is taken over, unless a later delivery of the message has begun it.
   * Therefore neither a lost response nor an invocation that died delays the message. The invocation that began the record may still run.
   * That is safe, because two invocations may replicate the same key at the same time.
   */
  override async saveInProgress(data: Payload, remainingMs = 0): Promise<void> {
    const claim = claimIn(data);
    const id = this.getHashedIdempotencyKey(data);
    const nowMs = Date.now();
    const item: Item = {
      ...this.getKey(id),
      expiration: number(Math.round(nowMs / 1_000 + this.getExpiresAfterSeconds())),
      status: { S: IN_PROGRESS },
      in_progress_expiration: number(nowMs + remainingMs),
      message: { S: claim.message },
      delivery: number(claim.delivery),
    };
    const before = await this.#put(item, nowMs);
    if (before?.['status']?.S !== IN_PROGRESS || before['message']?.S !== claim.message) return;
    const deaths = Number(before['deaths']?.N ?? 0);
    claim.deaths = Number(before['delivery']?.N) < claim.delivery ? deaths + 1 : deaths;
    if (claim.deaths > 0) await this.#remember(id, claim.deaths);
  }

  /** Writes the item. Resolves to the item that it replaced, or null. */
  async #put(item: Item, nowMs: number): Promise<Item | null> {
    const { client, name: TableName } = this.#table;
    try {
      const { Attributes: before } = await client.send(
        new PutItemCommand({
          TableName,
          Item: item,
          ConditionExpression: MAY_BEGIN,
          ExpressionAttributeNames: { '#status': 'status', '#message': 'message' },
          ExpressionAttributeValues: {
            ':now': number(nowMs / 1_000),
            ':nowMs': number(nowMs),
            ':inProgress': { S: IN_PROGRESS },
            ':message': item['message']!,
            ':delivery': item['delivery']!,
          },
          ReturnValues: 'ALL_OLD',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return before ?? null;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      throw new IdempotencyItemAlreadyExistsError(
        'another invocation began the record',
        recordIn(error.Item),
      );
    }
  }

  async #remember(id: string, deaths: number): Promise<void> {
    const { client, name: TableName } = this.#table;
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: this.getKey(id),
        UpdateExpression: 'SET deaths = :deaths',
        ExpressionAttributeValues: { ':deaths': number(deaths) },
      }),
    );
  }
}

const IN_PROGRESS = 'INPROGRESS';

/** The first three conditions are those of Powertools. */
const MAY_BEGIN = [
  'attribute_not_exists(id)',
  'expiration < :now',
  '(#status = :inProgress AND in_progress_expiration < :nowMs)',
  '(#status = :inProgress AND #message = :message AND delivery <= :delivery)',
].join(' OR ');

const number = (value: number): AttributeValue => ({ N: String(value) });

const isClaim = (data: unknown): data is Claim =>
  typeof data === 'object' && data !== null && 'identity' in data && 'deaths' in data;

const claimIn = (data: Payload): Claim => {
  if (isClaim(data)) return data;
  throw new TypeError('the payload is not a claim');
};

/** Reads the existing record that prevented the claim. If the error contains no item, Powertools reads the record itself. */
const recordIn = (item: Item | undefined): IdempotencyRecord | undefined =>
  item &&
  new IdempotencyRecord({
    idempotencyKey: item['id']?.S ?? '',
    status: item['status']?.S === IN_PROGRESS ? IN_PROGRESS : 'COMPLETED',
    expiryTimestamp: Number(item['expiration']?.N),
    inProgressExpiryTimestamp: Number(item['in_progress_expiration']?.N ?? 0),
    responseData: Object.fromEntries(
      Object.entries(item['data']?.M ?? {}).map(([name, value]) => [name, plain(value)]),
    ),
  });

/** Converts a value of a receipt. A receipt has only texts, numbers and nulls. */
const plain = ({ S: text, N: count }: AttributeValue): string | number | null =>
  text ?? (count === undefined ? null : Number(count));
