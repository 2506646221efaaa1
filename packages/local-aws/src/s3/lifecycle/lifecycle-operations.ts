/**
 * GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration and DeleteBucketLifecycle.
 * Source: API_PutBucketLifecycleConfiguration.html.
 */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import { setLifecycle } from './lifecycle.ts';
import { parseLifecycle, renderLifecycle } from './lifecycle-configuration.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, BucketContext } from '../protocol/request.ts';
import { parseXml } from '../protocol/xml.ts';

/** S3 always returns this header. It affects only transitions to another storage class, which the local S3 rejects. */
const MINIMUM_SIZE = { 'x-amz-transition-default-minimum-object-size': 'all_storage_classes_128K' };

export const getBucketLifecycle = (context: BucketContext): Answer => {
  authorize(context, 's3:GetLifecycleConfiguration');
  const { lifecycle, name } = context.bucket;
  if (lifecycle.length === 0)
    throw new S3Error('NoSuchLifecycleConfiguration', { elements: { BucketName: name } });
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...MINIMUM_SIZE },
    body: renderLifecycle(lifecycle),
  };
};

export const putBucketLifecycle = async (context: BucketContext): Promise<Answer> => {
  const { state, request, bucket } = context;
  const body = await receiveText(request);
  authorize(context, 's3:PutLifecycleConfiguration');
  setLifecycle(state, bucket, parseLifecycle(parseXml(body, 'LifecycleConfiguration')));
  return { status: 200, headers: MINIMUM_SIZE };
};

export const deleteBucketLifecycle = (context: BucketContext): Answer => {
  authorize(context, 's3:PutLifecycleConfiguration');
  context.bucket.lifecycle = [];
  return { status: 204 };
};
