import type { ResourceNames } from '../lib/resource-names.ts';
import type { Resources } from './cloudformation.ts';

/** Idempotency records and receipts, with the attribute names Powertools uses. */
export const table = (names: ResourceNames): Resources => ({
  IdempotencyTable: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      TableName: names.table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    },
  },
});
