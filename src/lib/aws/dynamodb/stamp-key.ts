/**
 * The key pair with which a deployment signs its stamps: one item of the idempotency table. The first invocation that needs the
 * key creates it. A lost key is replaced by a new one. Stamps that were signed with the lost key are then no longer proven, so
 * their objects are compared with the source.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { createKeyPair, createSigner, type GetSigner, type KeyPair } from '../../replica/stamp-signature.ts';
import { textOrNull } from '../../model/json.ts';
import { STAMP_KEY_ID } from '../../model/rule.ts';
import { translateTableError } from '../errors.ts';
import { askTable, getItem, type ItemTable, openTable } from './table.ts';

const KEY = { id: STAMP_KEY_ID };

const open = (tableName: string, region: string | null): ItemTable =>
  openTable(tableName, region, (error, operation) =>
    translateTableError(error, `${operation} of the key of stamps`),
  );

/**
 * Returns a function that reads the key on first use. If the key can be neither read nor created, that function resolves to null,
 * so that objects are still replicated, with unsigned stamps. `onFailure` receives the error. The key is read again at the first
 * call after a minute.
 */
export const createGetSigner = (tableName: string, onFailure: (error: unknown) => void): GetSigner =>
  getSigner(tableName, onFailure, createKey);

/** Like {@link createGetSigner}, but never creates the key. */
export const createReadSigner = (tableName: string, onFailure: (error: unknown) => void): GetSigner =>
  getSigner(tableName, onFailure, async () => null);

const getSigner = (
  tableName: string,
  onFailure: (error: unknown) => void,
  create: (table: ItemTable) => Promise<KeyPair | null>,
): GetSigner => {
  const table = open(tableName, null);
  let reading: ReturnType<GetSigner> | null = null;
  let triedMs = 0;
  const read: GetSigner = async () => {
    try {
      const pair = (await readKey(table)) ?? (await create(table));
      return pair === null ? null : createSigner(pair);
    } catch (error) {
      onFailure(error);
      return null;
    }
  };
  return async () => {
    const signer = await reading;
    if (reading !== null && (signer !== null || Date.now() < triedMs + RETRY_AFTER_MS)) return signer;
    triedMs = Date.now();
    reading = read();
    return await reading;
  };
};

/** How long a failed read is not repeated. */
const RETRY_AFTER_MS = 60_000;

const readKey = async (table: ItemTable): Promise<KeyPair | null> => {
  const item = await getItem(table, KEY);
  const privateKey = textOrNull(item?.['privateKey']);
  const publicKey = textOrNull(item?.['publicKey']);
  return privateKey === null || publicKey === null ? null : { privateKey, publicKey };
};

/** Creates the key, unless another environment was faster. */
const createKey = async (table: ItemTable): Promise<KeyPair> => {
  const pair = createKeyPair();
  try {
    const command = new PutCommand({
      TableName: table.name,
      Item: { ...KEY, ...pair },
      ConditionExpression: 'attribute_not_exists(id)',
    });
    await table.client.send(command);
    return pair;
  } catch (error) {
    const other = error instanceof ConditionalCheckFailedException ? await readKey(table) : null;
    if (other !== null) return other;
    throw table.failure(error, 'PutItem');
  }
};

/** Reads the public key only. Resolves to null if the deployment has not created its key yet. */
export const readPublicKey = async (tableName: string, region: string): Promise<string | null> => {
  const table = open(tableName, region);
  const command = new GetCommand({
    TableName: table.name,
    Key: KEY,
    ConsistentRead: true,
    ProjectionExpression: 'publicKey',
  });
  const { Item: item } = await askTable(table, 'GetItem', () => table.client.send(command));
  return textOrNull(item?.['publicKey']);
};
