/** The grants of one version, without the grants to its owner. */
import {
  GetObjectAclCommand,
  type GetObjectAclCommandOutput,
  type Grant as SdkGrant,
  type Permission,
  PutObjectAclCommand,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { Acl, Grant } from '../../../model/ports.ts';
import { grantText } from '../../../replica/attribute-texts.ts';
import { call, type Target } from '../client/call.ts';
import { named, type ObjectName } from './object-tags.ts';
import { unlessGone } from '../../errors.ts';

/**
 * Reads each grant once, in an order that does not depend on S3's order. Resolves to null when the version is gone or is a delete marker.
 */
export const readAcl = async (target: Target, name: ObjectName): Promise<Acl | null> => {
  const answer = await unlessGone(policyOf(target, name));
  return (
    answer && uniqueGrants((answer.Grants ?? []).flatMap((grant) => grantToOthers(grant, ownerOf(answer))))
  );
};

/**
 * Replaces the whole ACL. The new ACL gives full control to the owner of the replica, and the grants in `acl` to all others. The request
 * must name the owner, so the owner is first read from S3.
 */
export const writeAcl = async (target: Target, name: ObjectName, acl: Acl): Promise<void> => {
  const owner = ownerOf(await policyOf(target, name));
  const own: Grant = { grantee: { kind: 'user', id: owner }, permission: 'FULL_CONTROL' };
  const others = acl.filter(({ grantee }) => grantee.kind !== 'user' || grantee.id !== owner);
  const command = new PutObjectAclCommand({
    ...named(name),
    AccessControlPolicy: { Owner: { ID: owner }, Grants: [own, ...uniqueGrants(others)].map(sdkGrant) },
  });
  await call(target, 'PutObjectAcl', (client, options) => client.send(command, options));
};

const policyOf = async (target: Target, name: ObjectName): Promise<GetObjectAclCommandOutput> => {
  const command = new GetObjectAclCommand(named(name));
  return await call(target, 'GetObjectAcl', (client, options) => client.send(command, options));
};

const ownerOf = ({ Owner }: GetObjectAclCommandOutput): string => {
  if (Owner?.ID !== undefined) return Owner.ID;
  throw new ReplicationError('service-error', 'GetObjectAcl: the answer of S3 names no owner');
};

/**
 * Converts a grant to the domain's form. Returns an empty list for a grant to the owner. Also returns an empty list for a grantee without
 * id or URI, because such a grantee cannot be named. Some servers show the owner in this way. S3 returns e-mail grantees as users.
 */
const grantToOthers = ({ Grantee, Permission }: SdkGrant, owner: string): Grant[] => {
  if (Permission === undefined) return [];
  if (Grantee?.URI !== undefined) {
    return [{ grantee: { kind: 'group', id: Grantee.URI }, permission: Permission }];
  }
  const id = Grantee?.ID;
  if (id === undefined || id === owner) return [];
  return [{ grantee: { kind: 'user', id }, permission: Permission }];
};

const uniqueGrants = (grants: Grant[]): Acl => {
  const byText = new Map(grants.map((grant) => [grantText(grant), grant]));
  return [...byText].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, grant]) => grant);
};

const sdkGrant = ({ grantee, permission }: Grant): SdkGrant => ({
  Grantee:
    grantee.kind === 'user' ? { Type: 'CanonicalUser', ID: grantee.id } : { Type: 'Group', URI: grantee.id },
  // The permission comes from S3 or from the rule. If the permission does not exist, S3 refuses the request.
  Permission: permission as Permission,
});
