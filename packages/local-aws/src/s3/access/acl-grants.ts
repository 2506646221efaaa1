/**
 * Access control lists (ACLs). Parses the grants of a canned ACL, of grant headers or of a document, and renders grants as XML.
 *
 * Source: Amazon S3 User Guide "Access control list (ACL) overview" (acl-overview.html).
 */
import { S3Error } from '../errors.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import { childOf, childrenOf, textOf, xmlElement, xmlText, type XmlNode } from '../protocol/xml.ts';
import type { Grant, Grantee, Permission } from '../model/object.ts';

const PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const;

const GROUPS = 'http://acs.amazonaws.com/groups/';
export const ALL_USERS = `${GROUPS}global/AllUsers`;
export const AUTHENTICATED_USERS = `${GROUPS}global/AuthenticatedUsers`;
const LOG_DELIVERY = `${GROUPS}s3/LogDelivery`;
/** The canonical user id of EC2. The canned ACL `aws-exec-read` lets EC2 read machine images. */
const AWS_EXEC = '6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c';

interface Owners {
  ownerAccountId: string;
  bucketAccountId: string;
}

/**
 * Reads the grants from the headers of a request. Returns null if the request has neither a canned ACL nor a grant header.
 * Throws InvalidRequest or InvalidArgument.
 */
export const parseAclHeaders = (
  header: (name: string) => string | undefined,
  owners: Owners,
  resource: 'bucket' | 'object',
): Grant[] | null => {
  const canned = header('x-amz-acl');
  const grants = Object.entries(GRANT_HEADERS).flatMap(([name, permission]) =>
    parseGrantHeader(name, permission, header(name)),
  );
  if (canned === undefined) return grants.length === 0 ? null : grants;
  if (grants.length > 0)
    throw new S3Error('InvalidRequest', {
      message: 'Specifying both Canned ACLs and Header Grants is not allowed',
    });
  return cannedAcl(canned, owners, resource);
};

/** Reads an AccessControlPolicy document. Throws MalformedACLError or InvalidArgument. */
export const parseAclDocument = (root: XmlNode): Grant[] => {
  const list = childOf(root, 'AccessControlList');
  const owner = childOf(root, 'Owner');
  if (list === undefined || owner === undefined) throw new S3Error('MalformedACLError');
  checkUserId(textOf(owner, 'ID') ?? '', 'CanonicalUser/ID');
  return childrenOf(list, 'Grant').map((grant) => ({
    grantee: parseGrantee(childOf(grant, 'Grantee')),
    permission: parsePermission(textOf(grant, 'Permission')),
  }));
};

/** Returns the grants of a bucket or object whose `acl` is null: full control for the owner. */
export const ownerOnly = (ownerAccountId: string): Grant[] => [
  { grantee: { kind: 'user', id: canonicalUserId(ownerAccountId) }, permission: 'FULL_CONTROL' },
];

/** True if a list grants anything to all users or to all users with an AWS account. */
export const isPublic = (grants: Grant[]): boolean => grants.some(({ grantee }) => isPublicGrantee(grantee));

export const isPublicGrantee = (grantee: Grantee): boolean =>
  grantee.kind === 'group' && (grantee.uri === ALL_USERS || grantee.uri === AUTHENTICATED_USERS);

export const renderGrants = (grants: Grant[]): string =>
  xmlElement(
    'AccessControlList',
    ...grants.map(({ grantee, permission }) =>
      xmlElement('Grant', renderGrantee(grantee), xmlText('Permission', permission)),
    ),
  );

const renderGrantee = (grantee: Grantee): string => {
  const [type, text] =
    grantee.kind === 'user'
      ? ['CanonicalUser', xmlText('ID', grantee.id)]
      : ['Group', xmlText('URI', grantee.uri)];
  return `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${text}</Grantee>`;
};

const GRANT_HEADERS: Record<string, Permission> = {
  'x-amz-grant-full-control': 'FULL_CONTROL',
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
};

const cannedAcl = (name: string, owners: Owners, resource: 'bucket' | 'object'): Grant[] => {
  const owner = ownerOnly(owners.ownerAccountId);
  const bucketOwner: Grantee = { kind: 'user', id: canonicalUserId(owners.bucketAccountId) };
  const others: Record<string, Grant[]> = {
    private: [],
    'public-read': [group(ALL_USERS, 'READ')],
    'public-read-write': [group(ALL_USERS, 'READ'), group(ALL_USERS, 'WRITE')],
    'authenticated-read': [group(AUTHENTICATED_USERS, 'READ')],
    'aws-exec-read': [{ grantee: { kind: 'user', id: AWS_EXEC }, permission: 'READ' }],
    ...(resource === 'bucket'
      ? { 'log-delivery-write': [group(LOG_DELIVERY, 'WRITE'), group(LOG_DELIVERY, 'READ_ACP')] }
      : {
          'bucket-owner-read': [{ grantee: bucketOwner, permission: 'READ' }],
          'bucket-owner-full-control': [{ grantee: bucketOwner, permission: 'FULL_CONTROL' }],
        }),
  };
  const more = others[name];
  if (more === undefined)
    throw new S3Error('InvalidArgument', { elements: { ArgumentName: 'x-amz-acl', ArgumentValue: name } });
  const isOwnBucket = owners.ownerAccountId === owners.bucketAccountId;
  return isOwnBucket && name.startsWith('bucket-owner-') ? owner : [...owner, ...more];
};

const group = (uri: string, permission: Permission): Grant => ({
  grantee: { kind: 'group', uri },
  permission,
});

/** Parses the grant header of one permission, such as `id="…", uri="…"`. */
const parseGrantHeader = (name: string, permission: Permission, text: string | undefined): Grant[] =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, kind, value = ''] = /^(\w+)\s*=\s*"?([^"]*)"?$/.exec(part) ?? [];
      if (kind === 'id') return { grantee: user(value, 'id'), permission };
      if (kind === 'uri') return { grantee: checkedGroup(value, 'uri'), permission };
      if (kind === 'emailAddress') throw unsupportedEmail();
      throw new S3Error('InvalidArgument', {
        message: 'Argument format not recognized',
        elements: { ArgumentName: name, ArgumentValue: part },
      });
    });

const parseGrantee = (node: XmlNode | undefined): Grantee => {
  const id = node && textOf(node, 'ID');
  if (id !== undefined) return user(id.trim(), 'CanonicalUser/ID');
  const uri = node && textOf(node, 'URI');
  if (uri !== undefined) return checkedGroup(uri.trim(), 'Group/URI');
  if (node !== undefined && childOf(node, 'EmailAddress') !== undefined) throw unsupportedEmail();
  throw new S3Error('MalformedACLError');
};

const parsePermission = (text: string | undefined): Permission => {
  const found = PERMISSIONS.find((permission) => permission === text?.trim());
  if (found === undefined) throw new S3Error('MalformedACLError');
  return found;
};

const user = (id: string, argument: string): Grantee => {
  checkUserId(id, argument);
  return { kind: 'user', id };
};

const checkUserId = (id: string, argument: string): void => {
  if (/^[0-9a-f]{64}$/.test(id)) return;
  throw new S3Error('InvalidArgument', {
    message: 'Invalid id',
    elements: { ArgumentName: argument, ArgumentValue: id },
  });
};

const checkedGroup = (uri: string, argument: string): Grantee => {
  if (uri === ALL_USERS || uri === AUTHENTICATED_USERS || uri === LOG_DELIVERY) return { kind: 'group', uri };
  throw new S3Error('InvalidArgument', {
    message: 'Invalid group uri',
    elements: { ArgumentName: argument, ArgumentValue: uri },
  });
};

const unsupportedEmail = (): S3Error =>
  new S3Error('NotImplemented', {
    message: 'The local S3 does not support grantees given by e-mail address',
  });
