/**
 * Buckets of two accounts in the local S3. As the replicator does, the tests use the adapters to reach the
 * buckets.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { clientConfig, type LocalAws, type PolicyDocument, startLocalAws } from '@s3-replicator/local-aws';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import {
  createS3Clients,
  type S3ClientsOptions,
  type S3Clients,
} from '../../src/lib/aws/s3/client/clients.ts';
import type { Buckets } from '../../src/lib/model/ports.ts';
import { setAwsVariables } from '../model/aws-variables.ts';

const SOURCE_ACCOUNT = '111111111111';
const DESTINATION_ACCOUNT = '222222222222';

export interface LocalBuckets extends AsyncDisposable {
  aws: LocalAws;
  clients: S3Clients;
  buckets: Buckets;
  /** S3 clients with the credentials of the accounts that own the buckets. */
  sourceOwner: S3Client;
  destinationOwner: S3Client;
  /** Creates a bucket in the source account. The bucket is versioned by default. */
  createSource(name: string, properties?: Partial<Properties>): void;
  createDestination(name: string, properties?: Partial<Properties>): void;
}

type Properties = Parameters<LocalAws['s3']['createBucket']>[0];

/** Starts the local S3. The roles have all permissions here, because other tests check permissions. */
export const startLocalBuckets = async (options: Partial<S3ClientsOptions> = {}): Promise<LocalBuckets> => {
  const aws = await startLocalAws();
  const everything = (action: string): PolicyDocument[] => [
    { Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] },
  ];
  const putRole = (accountId: string, roleName: string, policies: PolicyDocument[]) =>
    aws.iam.putRole({
      accountId,
      roleName,
      assumeRolePolicy: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: SOURCE_ACCOUNT } }],
      },
      policies,
    });
  putRole(DESTINATION_ACCOUNT, 'replication', everything('s3:*'));
  putRole(SOURCE_ACCOUNT, 'function', [
    ...everything('s3:*'),
    ...everything('sts:*'),
    ...everything('secretsmanager:GetSecretValue'),
  ]);
  const functionArn = `arn:aws:iam::${SOURCE_ACCOUNT}:role/function`;
  const { credentials: own } = aws.iam.createSession(functionArn, 'test', 3_600);
  setAwsVariables({ endpoint: aws.httpEndpoint, credentials: own });
  const clients = createS3Clients({
    region: 'eu-central-1',
    sessionName: 'test',
    ownAccount: async () => '111111111111',
    ...options,
  });
  const create =
    (accountId: string): LocalBuckets['createSource'] =>
    (name, properties = {}) =>
      aws.s3.createBucket({
        name,
        accountId,
        region: 'eu-central-1',
        VersioningConfiguration: { Status: 'Enabled' },
        ...properties,
      });
  const owner = (accountId: string) => new S3Client(clientConfig(aws, aws.root(accountId), { tls: false }));
  const [sourceOwner, destinationOwner] = [owner(SOURCE_ACCOUNT), owner(DESTINATION_ACCOUNT)];
  return {
    aws,
    clients,
    buckets: createBuckets(clients, new AbortController().signal),
    sourceOwner,
    destinationOwner,
    createSource: create(SOURCE_ACCOUNT),
    createDestination: create(DESTINATION_ACCOUNT),
    async [Symbol.asyncDispose]() {
      sourceOwner.destroy();
      destinationOwner.destroy();
      await aws.stop();
    },
  };
};
