/**
 * A behaviour of AWS: a function that throws when an endpoint differs, the sentence that the function proves, and the AWS document
 * that the sentence comes from. The name of a behaviour is the name of its export.
 */
import type { Context } from './context.ts';

export type Service = 's3' | 'sqs' | 'sts' | 'dynamodb';

/** A requirement on an endpoint: a service, a TLS connection, or a clock that can be moved. */
export type Need = Service | 'tls' | 'clock';

export interface Behaviour {
  (context: Context): Promise<void>;
  /** One sentence. */
  title: string;
  /** URL. */
  document: string;
  /** The behaviour is skipped unless the endpoint has all of these. */
  needs: readonly Need[];
}

export const behaviour = (
  title: string,
  document: string,
  run: (context: Context) => Promise<void>,
  needs: readonly Need[] = ['s3'],
): Behaviour => Object.assign((context: Context) => run(context), { title, document, needs });

/** A page of the Amazon S3 API Reference. */
export const s3Api = (page: string): string => `https://docs.aws.amazon.com/AmazonS3/latest/API/${page}.html`;

/** A page of the Amazon S3 User Guide. */
export const s3Guide = (page: string): string =>
  `https://docs.aws.amazon.com/AmazonS3/latest/userguide/${page}.html`;
