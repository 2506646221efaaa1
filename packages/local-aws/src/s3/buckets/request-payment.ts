/**
 * Requester Pays: the setting of a bucket that makes requesters pay for their requests.
 * Source: Amazon S3 User Guide "Using Requester Pays general purpose buckets" (RequesterPaysBuckets.html).
 */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import { receiveText } from '../protocol/receive.ts';
import { header, type Answer, type BucketContext, type S3Request } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { parseXml, textOf, xmlDocument, xmlText } from '../protocol/xml.ts';

export const getRequestPayment = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketRequestPayment');
  const payer = context.bucket.requesterPays ? 'Requester' : 'BucketOwner';
  return xmlAnswer(xmlDocument('RequestPaymentConfiguration', xmlText('Payer', payer)));
};

export const putRequestPayment = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketRequestPayment');
  const root = parseXml(await receiveText(context.request), 'RequestPaymentConfiguration');
  const payer = textOf(root, 'Payer')?.trim();
  if (payer !== 'Requester' && payer !== 'BucketOwner') throw new S3Error('MalformedXML');
  context.bucket.requesterPays = payer === 'Requester';
  return { status: 200 };
};

/** Throws AccessDenied if the requester would have to pay, unless the request confirms this. */
export const refuseUnpaid = ({ requesterPays, accountId }: Bucket, request: S3Request): void => {
  const { caller } = request.aws;
  const isOwner = 'accountId' in caller && caller.accountId === accountId;
  if (!requesterPays || isOwner || caller.kind === 'service') return;
  const isPaying = header(request, 'x-amz-request-payer') === 'requester';
  if (!isPaying || caller.kind === 'anonymous') throw new S3Error('AccessDenied');
};
