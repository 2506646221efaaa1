/** The operations on bucket settings that consist of one document: policy, encryption, ownership controls, public access block and tags. */
import { authorize } from '../access/access.ts';
import { bucketEncryption, ownershipOf, setOwnership } from './buckets.ts';
import { blocksCustomerKeys } from '../access/customer-key.ts';
import { policyText, removePolicy, setPolicy } from './bucket-policy.ts';
import { S3Error } from '../errors.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, BucketContext } from '../protocol/request.ts';
import { parseBucketTagging } from '../objects/tags.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { childOf, childrenOf, parseXml, textOf, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const getBucketPolicy = (context: BucketContext): Answer => {
  authorizePolicy(context, 's3:GetBucketPolicy');
  const { policy, name } = context.bucket;
  if (policy === null) throw new S3Error('NoSuchBucketPolicy', { elements: { BucketName: name } });
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: policyText(policy, context.state.authorizer),
  };
};

export const putBucketPolicy = async (context: BucketContext): Promise<Answer> => {
  authorizePolicy(context, 's3:PutBucketPolicy');
  setPolicy(context.state, context.bucket, await receiveText(context.request));
  return { status: 204 };
};

export const deleteBucketPolicy = (context: BucketContext): Answer => {
  authorizePolicy(context, 's3:DeleteBucketPolicy');
  removePolicy(context.state, context.bucket);
  return { status: 204 };
};

/**
 * Checks the permission for an operation on the policy. The root user of the bucket's account may always read, put and delete the policy,
 * even if the policy denies this.
 * Source: API_DeleteBucketPolicy.html.
 */
const authorizePolicy = (context: BucketContext, action: string): void => {
  const { caller } = context.request.aws;
  if (caller.kind === 'root' && caller.accountId === context.bucket.accountId) return;
  authorize(context, action);
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
        context.bucket.blocksCustomerKeys
          ? xmlElement('BlockedEncryptionTypes', xmlText('EncryptionType', 'SSE-C'))
          : '',
      ),
    ),
  );
};

export const putBucketEncryption = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutEncryptionConfiguration');
  const { state, request, bucket } = context;
  const root = parseXml(await receiveText(request), 'ServerSideEncryptionConfiguration');
  const [rule, second] = childrenOf(root, 'Rule');
  const byDefault = rule && childOf(rule, 'ApplyServerSideEncryptionByDefault');
  const blocked = rule && childOf(rule, 'BlockedEncryptionTypes');
  if (rule === undefined || second !== undefined || (byDefault ?? blocked) === undefined)
    throw new S3Error('MalformedXML');
  if (blocked !== undefined)
    bucket.blocksCustomerKeys = blocksCustomerKeys(
      childrenOf(blocked, 'EncryptionType').map((type) => type.text.trim()),
    );
  if (byDefault === undefined) return { status: 200 };
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

export const getBucketOwnership = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketOwnershipControls');
  if (context.bucket.ownership === null)
    throw new S3Error('OwnershipControlsNotFoundError', { elements: { BucketName: context.bucket.name } });
  return xmlAnswer(
    xmlDocument(
      'OwnershipControls',
      xmlElement('Rule', xmlText('ObjectOwnership', context.bucket.ownership)),
    ),
  );
};

export const putBucketOwnership = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketOwnershipControls');
  const root = parseXml(await receiveText(context.request), 'OwnershipControls');
  const [rule, second] = childrenOf(root, 'Rule');
  const ownership = rule && textOf(rule, 'ObjectOwnership')?.trim();
  if (ownership === undefined || second !== undefined) throw new S3Error('MalformedXML');
  setOwnership(context.bucket, ownershipOf(ownership));
  return { status: 200 };
};

/** Deletes the ownership controls. From then on, objects belong to the accounts that wrote them, and ACLs have an effect. */
export const deleteBucketOwnership = (context: BucketContext): Answer => {
  authorize(context, 's3:PutBucketOwnershipControls');
  setOwnership(context.bucket, null);
  return { status: 204 };
};

const BLOCKS = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'] as const;

export const getPublicAccessBlock = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketPublicAccessBlock');
  const { publicAccessBlock: block, name: BucketName } = context.bucket;
  if (block === null) throw new S3Error('NoSuchPublicAccessBlockConfiguration', { elements: { BucketName } });
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

export const deletePublicAccessBlock = (context: BucketContext): Answer => {
  authorize(context, 's3:PutBucketPublicAccessBlock');
  context.bucket.publicAccessBlock = null;
  return { status: 204 };
};

export const getBucketTagging = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketTagging');
  const { tags, name } = context.bucket;
  if (tags.length === 0) throw new S3Error('NoSuchTagSet', { elements: { BucketName: name } });
  const elements = tags.map((tag) => xmlElement('Tag', xmlText('Key', tag.Key), xmlText('Value', tag.Value)));
  return xmlAnswer(xmlDocument('Tagging', xmlElement('TagSet', ...elements)));
};

export const putBucketTagging = async (context: BucketContext): Promise<Answer> => {
  const body = await receiveText(context.request);
  authorize(context, 's3:PutBucketTagging');
  context.bucket.tags = parseBucketTagging(body);
  return { status: 204 };
};

export const deleteBucketTagging = (context: BucketContext): Answer => {
  authorize(context, 's3:PutBucketTagging');
  context.bucket.tags = [];
  return { status: 204 };
};
