/** An account of the local AWS, with access for its administrator. */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { clientConfig, type Credentials, type LocalAws } from '@s3-replicator/local-aws';

export interface Account extends AsyncDisposable {
  accountId: string;
  /** Returns a client that has all permissions in the account. The default region is that of the stack. */
  s3(region?: string): S3Client;
  sqs: SQSClient;
  /**
   * Returns the environment variables that other programs need to use this account, such as the AWS CLI, SDKs and the replicator's command
   * line. The default credentials are those of the administrator.
   */
  environment(credentials?: Credentials): Record<string, string>;
}

export const createAccount = (aws: LocalAws, accountId: string): Account => {
  const credentials = aws.root(accountId);
  const s3Clients = new Map<string, S3Client>();
  const sqs = new SQSClient({ ...clientConfig(aws, credentials) });
  return {
    accountId,
    sqs,
    s3(region = aws.region) {
      const client =
        s3Clients.get(region) ??
        new S3Client({ ...clientConfig(aws, credentials, { region }), ...S3_SETTINGS });
      s3Clients.set(region, client);
      return client;
    },
    environment: ({ accessKeyId, secretAccessKey, sessionToken } = credentials) => ({
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_CA_BUNDLE: aws.caFile,
      NODE_EXTRA_CA_CERTS: aws.caFile,
      AWS_REGION: aws.region,
      // AWS CLI 1 reads only this older name.
      AWS_DEFAULT_REGION: aws.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
    }),
    async [Symbol.asyncDispose]() {
      sqs.destroy();
      for (const client of s3Clients.values()) client.destroy();
    },
  };
};

const nothing = (): void => undefined;

/** The settings of S3 clients. Checksums are off because the demo compares bodies byte by byte. */
const S3_SETTINGS = {
  // Without this logger, the SDK would write warnings to the console about streams that it cannot send a second time.
  logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const satisfies S3ClientConfig;
