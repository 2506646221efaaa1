/**
 * A behaviour of AWS is a function that throws if an endpoint differs from AWS. Its properties include the
 * sentence that the function checks, and the AWS document that the sentence comes from. The name of a
 * behaviour is the name of its export.
 */
import type { Context } from './context.ts';

export type Service = 's3' | 'sqs' | 'sts' | 'dynamodb' | 'cloudwatch' | 'logs' | 'secretsmanager' | 'events';

/** A requirement for an endpoint: a service, a TLS connection, or a clock that can be moved. */
export type Need = Service | 'tls' | 'clock';

export interface Behaviour {
  (context: Context): Promise<void>;
  /** The sentence that the function checks. */
  title: string;
  /** URL of the AWS document. */
  document: string;
  /** The requirements of this behaviour. It is skipped unless the endpoint meets all of them. */
  needs: readonly Need[];
}

export const behaviour = (
  title: string,
  document: string,
  run: (context: Context) => Promise<void>,
  needs: readonly Need[] = ['s3'],
): Behaviour => Object.assign((context: Context) => run(context), { title, document, needs });

/** Returns the URL of a page of the Amazon S3 API Reference. */
export const s3Api = (page: string): string => `https://docs.aws.amazon.com/AmazonS3/latest/API/${page}.html`;

/** Returns the URL of a page of the Amazon S3 User Guide. */
export const s3Guide = (page: string): string =>
  `https://docs.aws.amazon.com/AmazonS3/latest/userguide/${page}.html`;
