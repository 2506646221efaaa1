/**
 * What a behaviour of AWS is made of here: a function that throws where an endpoint differs, the sentence it proves and
 * the AWS document the sentence comes from. Its name is the name it is exported under.
 */
import type { Context } from './context.ts';

export type Service = 's3' | 'sqs' | 'sts' | 'dynamodb';

/** What a behaviour may need of an endpoint: a service, a connection under TLS, or a clock that can be moved. */
export type Need = Service | 'tls' | 'clock';

export interface Behaviour {
  (context: Context): Promise<void>;
  /** One sentence. */
  title: string;
  /** URL. */
  document: string;
  /** What it cannot do without. */
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
