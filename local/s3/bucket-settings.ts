/** The settings of a bucket that are read and put as documents: policy, encryption, notifications, ownership, public access, tags. */
import { authorize } from './access.ts';
import { xmlAnswer } from './bucket-operations.ts';
import { bucketEncryption, ownershipOf } from './buckets.ts';
import { setPolicy } from './bucket-policy.ts';
import { S3Error } from './errors.ts';
import type { Bucket } from './model.ts';
import {
  parseNotificationConfiguration,
  renderNotificationConfiguration,
  type NotificationTarget,
} from './notification-configuration.ts';
import { testEvent } from './notifications.ts';
import { receiveText } from './receive.ts';
import { header, type Answer, type BucketContext } from './request.ts';
import { childOf, parseXml, textOf, xmlDocument, xmlElement, xmlText } from './xml.ts';

export const getBucketPolicy = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketPolicy');
  const { policy, name } = context.bucket;
  if (policy === null) throw new S3Error('NoSuchBucketPolicy', { elements: { BucketName: name } });
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: policy.text };
};

export const putBucketPolicy = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketPolicy');
  setPolicy(context.bucket, await receiveText(context.request));
  return { status: 204 };
};

export const deleteBucketPolicy = (context: BucketContext): Answer => {
  authorize(context, 's3:DeleteBucketPolicy');
  context.bucket.policy = null;
  return { status: 204 };
};

export const getBucketEncryption = (context: BucketContext): Answer => {
  authorize(context, 's3:GetEncryptionConfiguration');
  const { encryption } = context.bucket;
  const isKms = encryption.algorithm !== 'AES256';
  return xmlAnswer(
    xmlDocument(
      'ServerSideEncryptionConfiguration',
      xmlElement(
        'Rule',
        xmlElement(
          'ApplyServerSideEncryptionByDefault',
          xmlText('SSEAlgorithm', encryption.algorithm),
          isKms ? xmlText('KMSMasterKeyID', encryption.kmsKeyId) : '',
        ),
        xmlText('BucketKeyEnabled', isKms && encryption.bucketKeyEnabled),
      ),
    ),
  );
};

export const putBucketEncryption = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutEncryptionConfiguration');
  const { state, request, bucket } = context;
  const rule = childOf(parseXml(await receiveText(request), 'ServerSideEncryptionConfiguration'), 'Rule');
  const byDefault = rule && childOf(rule, 'ApplyServerSideEncryptionByDefault');
  if (rule === undefined || byDefault === undefined) throw new S3Error('MalformedXML');
  bucket.encryption = bucketEncryption(state, bucket, {
    algorithm: textOf(byDefault, 'SSEAlgorithm')?.trim() ?? '',
    keyId: textOf(byDefault, 'KMSMasterKeyID')?.trim(),
    bucketKeyEnabled: textOf(rule, 'BucketKeyEnabled')?.trim() === 'true',
  });
  return { status: 200 };
};

export const deleteBucketEncryption = (context: BucketContext): Answer => {
  authorize(context, 's3:PutEncryptionConfiguration');
  context.bucket.encryption = { algorithm: 'AES256' };
  return { status: 204 };
};

export const getBucketNotification = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketNotification');
  return xmlAnswer(renderNotificationConfiguration(context.bucket.notification));
};

/** Replaces the whole configuration, after S3 has made sure that it may send, and sends a test event to each queue. */
export const putBucketNotification = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketNotification');
  const { state, request, bucket } = context;
  const configuration = parseNotificationConfiguration(await receiveText(request));
  if (header(request, 'x-amz-skip-destination-validation')?.toLowerCase() !== 'true') {
    const queues = configuration.targets.filter((target) => target.kind === 'Queue');
    validateQueues(context, queues);
    for (const queue of queues)
      state.queues.sendAsService({
        ...asS3(bucket),
        queueArn: queue.arn,
        body: testEvent(state, bucket, request.aws.requestId),
      });
  }
  bucket.notification = configuration;
  return { status: 200 };
};

const asS3 = (bucket: Bucket) => ({
  service: 's3.amazonaws.com',
  sourceArn: bucket.arn,
  sourceAccount: bucket.accountId,
});

const validateQueues = (context: BucketContext, queues: NotificationTarget[]): void => {
  const { state, bucket } = context;
  const problems: [string, string][] = [];
  for (const { arn } of queues) {
    if (arn.split(':')[3] !== bucket.region)
      throw new S3Error('InvalidArgument', {
        message:
          'The notification destination service region is not valid for the bucket location constraint',
        elements: { ArgumentName: 'Queue', ArgumentValue: arn },
      });
    const problem = arn.endsWith('.fifo')
      ? FIFO
      : QUEUE_PROBLEMS[state.queues.maySend({ ...asS3(bucket), queueArn: arn })];
    if (problem !== null) problems.push([arn, problem]);
  }
  if (problems.length === 0) return;
  const elements = problems.flatMap(([arn, problem], index): [string, string][] => [
    [`ArgumentName${index + 1}`, arn],
    [`ArgumentValue${index + 1}`, problem],
  ]);
  throw new S3Error('InvalidArgument', {
    message: 'Unable to validate the following destination configurations',
    elements: Object.fromEntries(elements),
  });
};

const FIFO = 'FIFO SQS queues are not supported.';
const QUEUE_PROBLEMS = {
  allowed: null,
  denied: 'Permissions on the destination queue do not allow S3 to publish notifications from this bucket',
  'no-such-queue': 'The destination queue does not exist',
} as const;

export const getBucketOwnership = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketOwnershipControls');
  return xmlAnswer(
    xmlDocument(
      'OwnershipControls',
      xmlElement('Rule', xmlText('ObjectOwnership', context.bucket.ownership)),
    ),
  );
};

export const putBucketOwnership = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketOwnershipControls');
  const rule = childOf(parseXml(await receiveText(context.request), 'OwnershipControls'), 'Rule');
  if (rule === undefined) throw new S3Error('MalformedXML');
  context.bucket.ownership = ownershipOf(textOf(rule, 'ObjectOwnership')?.trim());
  return { status: 200 };
};

const BLOCKS = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'] as const;

export const getPublicAccessBlock = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketPublicAccessBlock');
  const block = context.bucket.publicAccessBlock;
  if (block === null) throw new S3Error('NoSuchPublicAccessBlockConfiguration');
  return xmlAnswer(
    xmlDocument('PublicAccessBlockConfiguration', ...BLOCKS.map((name) => xmlText(name, block[name]))),
  );
};

export const putPublicAccessBlock = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketPublicAccessBlock');
  const root = parseXml(await receiveText(context.request), 'PublicAccessBlockConfiguration');
  const isSet = (name: string) => textOf(root, name)?.trim().toLowerCase() === 'true';
  context.bucket.publicAccessBlock = {
    BlockPublicAcls: isSet('BlockPublicAcls'),
    IgnorePublicAcls: isSet('IgnorePublicAcls'),
    BlockPublicPolicy: isSet('BlockPublicPolicy'),
    RestrictPublicBuckets: isSet('RestrictPublicBuckets'),
  };
  return { status: 200 };
};

export const getBucketTagging = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketTagging');
  const { tags, name } = context.bucket;
  if (tags.length === 0) throw new S3Error('NoSuchTagSet', { elements: { BucketName: name } });
  const elements = tags.map((tag) => xmlElement('Tag', xmlText('Key', tag.Key), xmlText('Value', tag.Value)));
  return xmlAnswer(xmlDocument('Tagging', xmlElement('TagSet', ...elements)));
};
