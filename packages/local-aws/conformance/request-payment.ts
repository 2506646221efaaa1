/**
 * Requester Pays. The suite uses a single account, so it cannot test that S3 refuses requests of other
 * accounts.
 */
import { GetBucketRequestPaymentCommand, PutBucketRequestPaymentCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Guide } from './behaviour.ts';
import { same } from './difference.ts';

export const ownerMayReadARequesterPaysBucket = behaviour(
  'A new bucket is paid for by its owner. After PutBucketRequestPayment, GetBucketRequestPayment returns the payer, and the owner still reads without x-amz-request-payer.',
  s3Guide('RequesterPaysBuckets'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const payer = async () => (await context.s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer;
    same('payer of a new bucket', await payer(), 'BucketOwner');
    await context.put(Bucket, 'key', 'body');
    const RequestPaymentConfiguration = { Payer: 'Requester' } as const;
    await context.s3.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));
    same('payer', await payer(), 'Requester');
    same('body', await context.read(Bucket, 'key'), 'body');
  },
);
