import { expect, test } from 'vitest';
import { generatedTemplate } from './sample-stack.ts';
import { resource } from './statements.ts';

const template = generatedTemplate();

test('the transfers table is billed on demand and can be restored to a point in time', () => {
  expect(resource(template, 'TransfersTable').Properties).toEqual({
    TableName: 'acme-replication-test-transfers',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'transfer', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'transfer', KeyType: 'HASH' }],
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  });
});

test('the idempotency table is billed on demand, expires records and can be restored to a point in time', () => {
  expect(resource(template, 'IdempotencyTable').Properties).toEqual({
    TableName: 'acme-replication-test-idempotency',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  });
});
