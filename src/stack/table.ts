import type { ResourceNames } from '../lib/configuration/resource-names.ts';
import { type CloudFormationResource, OUTLIVES_THE_STACK, type Resources } from './cloudformation.ts';

/** The table of idempotency records and receipts. Its attribute names are those that Powertools uses. */
export const idempotencyTable = (names: ResourceNames): Resources => ({
  IdempotencyTable: keyedTable(names.table, ['id'], 'expiration'),
});

/**
 * A DynamoDB table with text keys: a partition key and, if given, a sort key. `expires` names the attribute that contains the
 * time from which DynamoDB may delete an item.
 */
export const keyedTable = (
  TableName: string,
  keys: [partition: string, sort?: string],
  expires: string | null = null,
): CloudFormationResource => ({
  Type: 'AWS::DynamoDB::Table',
  ...OUTLIVES_THE_STACK,
  Properties: {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keys.map((AttributeName, index) => ({
      AttributeName,
      KeyType: index === 0 ? 'HASH' : 'RANGE',
    })),
    ...(expires === null ? {} : { TimeToLiveSpecification: { AttributeName: expires, Enabled: true } }),
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  },
});
