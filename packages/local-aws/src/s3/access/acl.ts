/** GetBucketAcl, PutBucketAcl, GetObjectAcl and PutObjectAcl. Sources: API_PutObjectAcl.html, API_PutBucketAcl.html. */
import { authorize } from './access.ts';
import { ownerOnly, parseAclDocument, parseAclHeaders, renderGrants } from './acl-grants.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import { S3Error } from '../errors.ts';
import type { StoredObject, Grant } from '../model/object.ts';
import { notify } from '../notifications/notifications.ts';
import { aclsCount, grantsOf, ownerAccountOf, refusePublic } from './ownership.ts';
import { findReadable, requestedTarget } from './read-target.ts';
import { receiveText } from '../protocol/receive.ts';
import { header, type Answer, type BucketContext, type ObjectContext } from '../protocol/request.ts';
import { eventVersionId, versionHeader } from '../model/versions.ts';
import { parseXml, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const getBucketAcl = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketAcl');
  const { bucket } = context;
  return renderAcl(bucket.accountId, grantsOf(bucket, { ownerAccountId: bucket.accountId, acl: bucket.acl }));
};

export const putBucketAcl = async (context: BucketContext): Promise<Answer> => {
  const body = await receiveText(context.request);
  const { bucket } = context;
  authorize(context, 's3:PutBucketAcl');
  bucket.acl = requestedAcl(context, body, bucket.accountId, 'bucket');
  return { status: 200 };
};

export const getObjectAcl = (context: ObjectContext): Answer => {
  const { bucket } = context;
  const object = findReadable(context, requestedTarget(context), {
    current: 's3:GetObjectAcl',
    version: 's3:GetObjectVersionAcl',
  });
  return renderAcl(ownerAccountOf(bucket, object), grantsOf(bucket, object), versionHeader(bucket, object));
};

/** Replaces the ACL of an object. Sends an event only if the grants changed. */
export const putObjectAcl = async (context: ObjectContext): Promise<Answer> => {
  const body = await receiveText(context.request);
  const object = findReadable(context, requestedTarget(context), {
    current: 's3:PutObjectAcl',
    version: 's3:PutObjectVersionAcl',
    hidden: 'not-allowed',
  });
  const before = JSON.stringify(grantsOf(context.bucket, object));
  object.acl = requestedAcl(context, body, object.ownerAccountId, 'object');
  if (JSON.stringify(grantsOf(context.bucket, object)) !== before) notifyAcl(context, object);
  return { status: 200, headers: versionHeader(context.bucket, object) };
};

/**
 * Reads the ACL from the canned name, the grant headers or the body. If ACLs are disabled, throws AccessControlListNotSupported,
 * unless the ACL grants only the bucket's owner full control.
 */
const requestedAcl = (
  context: BucketContext,
  body: string,
  ownerAccountId: string,
  resource: 'bucket' | 'object',
): Grant[] => {
  const { request, bucket } = context;
  const owners = { ownerAccountId, bucketAccountId: bucket.accountId };
  const inHeaders = parseAclHeaders((name) => header(request, name), owners, resource);
  const hasBody = body.trim() !== '';
  if (inHeaders !== null && hasBody) throw new S3Error('UnexpectedContent');
  if (inHeaders === null && !hasBody)
    throw new S3Error('MissingSecurityHeader', { elements: { MissingHeaderName: 'x-amz-acl' } });
  const grants = inHeaders ?? parseAclDocument(parseXml(body, 'AccessControlPolicy'));
  // With ACLs disabled, S3 accepts only an ACL that grants the bucket's owner full control. It may be a document or the canned ACL
  // `bucket-owner-full-control`. S3 rejects the canned ACL `private`, although it has the same meaning.
  const isFullControl =
    inHeaders === null
      ? JSON.stringify(grants) === JSON.stringify(ownerOnly(bucket.accountId))
      : header(request, 'x-amz-acl') === 'bucket-owner-full-control';
  if (!aclsCount(bucket) && !isFullControl) throw new S3Error('AccessControlListNotSupported');
  refusePublic(bucket, grants);
  return grants;
};

const renderAcl = (
  ownerAccountId: string,
  grants: Grant[],
  headers: Record<string, string> = {},
): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/xml', ...headers },
  body: xmlDocument(
    'AccessControlPolicy',
    xmlElement('Owner', xmlText('ID', canonicalUserId(ownerAccountId))),
    renderGrants(grants),
  ),
});

const notifyAcl = (context: ObjectContext, object: StoredObject): void => {
  const { state, request, bucket, key } = context;
  notify(state, bucket, {
    event: 'ObjectAcl:Put',
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    origin: request.aws,
  });
};
