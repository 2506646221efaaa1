/** GetBucketAcl and GetObjectAcl: the owner has full control, and nobody else is granted anything by ACL. */
import { authorize } from './access.ts';
import { findReadable, requestedTarget } from './read-target.ts';
import type { Answer, BucketContext, ObjectContext } from './request.ts';
import { canonicalUserId } from './state.ts';
import { xmlDocument, xmlElement, xmlText } from './xml.ts';

export const getBucketAcl = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketAcl');
  return renderAcl(context.bucket.accountId);
};

export const getObjectAcl = (context: ObjectContext): Answer =>
  renderAcl(
    findReadable(context, requestedTarget(context), 's3:GetObjectAcl', 's3:GetObjectVersionAcl')
      .ownerAccountId,
  );

const renderAcl = (ownerAccountId: string): Answer => {
  const id = canonicalUserId(ownerAccountId);
  const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${xmlText('ID', id)}</Grantee>`;
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: xmlDocument(
      'AccessControlPolicy',
      xmlElement('Owner', xmlText('ID', id)),
      xmlElement('AccessControlList', xmlElement('Grant', grantee, xmlText('Permission', 'FULL_CONTROL'))),
    ),
  };
};
