/** Keeps the receipts of single versions in the table of idempotency records. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { isRecord } from '../../model/json.ts';
import { PROOFS } from '../../replica/proof.ts';
import { receiptId, type VersionReceipt, type VersionReceipts } from '../../replica/version-receipt.ts';
import { newerThanKnown, schemaField } from '../../model/schemas.ts';
import { translateError, translateTableError } from '../errors.ts';
import { openTable } from './table.ts';

/**
 * How long a receipt is kept, as long as the records of runs. A million receipts take about 0.25 GB, which costs US$ 0.11 a month with
 * point-in-time recovery.
 */
const RECEIPT_SECONDS = 400 * 24 * 3_600;

/** If `region` is null, the region of the environment is used. `onLost` is called with the error if a receipt could not be kept. */
export const createVersionReceipts = (
  tableName: string,
  { region = null, onLost = () => undefined }: { region?: string | null; onLost?(error: unknown): void } = {},
): VersionReceipts => {
  const table = openTable(tableName, region, (error, operation) =>
    translateTableError(error, `${operation} of a receipt`),
  );
  return {
    async keep(destination, key, versionId, receipt) {
      const id = receiptId(destination, key, versionId);
      if (id === null) return;
      const expiration = Math.round(Date.now() / 1_000) + RECEIPT_SECONDS;
      try {
        await table.client.send(
          new PutCommand({
            TableName: table.name,
            Item: { id, expiration, ...schemaField('version receipt'), ...receipt },
          }),
        );
      } catch (error) {
        onLost(error);
      }
    },
    async find(destination, key, versionId) {
      const id = receiptId(destination, key, versionId);
      if (id === null) return null;
      try {
        const { Item: item } = await table.client.send(
          new GetCommand({ TableName: table.name, Key: { id } }),
        );
        return receiptIn(item);
      } catch (error) {
        // If the table is missing or may not be read, nothing is proven, but everything else can be compared.
        if (translateError(error, 'GetItem').disposition === 'quarantine') return null;
        throw table.failure(error, 'GetItem');
      }
    },
  };
};

const receiptIn = (item: unknown): VersionReceipt | null => {
  // The receipt of a newer release proves nothing to this release.
  if (!isRecord(item) || newerThanKnown('version receipt', item['v']) !== null) return null;
  const proof = PROOFS.find((known) => known === item['proof']);
  return typeof item['from'] === 'string' && proof !== undefined ? { from: item['from'], proof } : null;
};
