/**
 * Access control lists as policies, so that one evaluation judges both.
 *
 * Source: Amazon S3 User Guide "Access control list (ACL) overview", "Mapping of ACL permissions and access policy
 * permissions" (acl-overview.html); "How Amazon S3 authorizes a request for an object operation"
 * (access-control-auth-workflow-object-operation.html).
 */
import type { Caller, PolicyDocument, PolicyStatement } from '../../core/access.ts';
import { ALL_USERS, isPublicGrantee } from './acl-grants.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import type { Bucket } from '../model/bucket.ts';
import type { StoredObject, Grant, Permission } from '../model/object.ts';
import { aclsCount, grantsOf, ownerAccountOf } from './ownership.ts';
import { accountOf } from '../protocol/request.ts';

interface Judged {
  resourceAccountId: string;
  resourcePolicy: PolicyDocument | undefined;
}

/**
 * Whose the resource is and what its policies say, to this caller. `object` is given for what is done to an existing object:
 * one that somebody else owns is out of reach of the bucket owner's grants, but not of the owner's denials.
 */
export const policiesFor = (
  bucket: Bucket,
  object: StoredObject | undefined,
  resource: string,
  caller: Caller,
): Judged => {
  const document = bucket.policy?.document;
  if (!aclsCount(bucket)) return { resourceAccountId: bucket.accountId, resourcePolicy: document };
  const ownerAccountId = object === undefined ? bucket.accountId : ownerAccountOf(bucket, object);
  const owned = object ?? { ownerAccountId, acl: bucket.acl };
  const granted = statementOf(bucket, grantsOf(bucket, owned), object !== undefined, resource, caller);
  const own = [document?.Statement ?? []].flat();
  const applying =
    ownerAccountId === bucket.accountId ? own : own.filter((statement) => statement.Effect === 'Deny');
  if (granted === null && applying.length === own.length)
    return { resourceAccountId: ownerAccountId, resourcePolicy: document };
  const statements = granted === null ? applying : [...applying, granted];
  return {
    resourceAccountId: ownerAccountId,
    resourcePolicy: { ...document, Statement: statements },
  };
};

const BUCKET_ACTIONS: Record<Exclude<Permission, 'FULL_CONTROL'>, string[]> = {
  READ: ['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'],
  // With the ACL it is written with: a new object is its writer's.
  WRITE: ['s3:PutObject', 's3:PutObjectAcl'],
  READ_ACP: ['s3:GetBucketAcl'],
  WRITE_ACP: ['s3:PutBucketAcl'],
};

const OBJECT_ACTIONS: Record<Exclude<Permission, 'FULL_CONTROL'>, string[]> = {
  READ: ['s3:GetObject', 's3:GetObjectVersion'],
  WRITE: [],
  READ_ACP: ['s3:GetObjectAcl', 's3:GetObjectVersionAcl'],
  WRITE_ACP: ['s3:PutObjectAcl', 's3:PutObjectVersionAcl'],
};

/** What the grants allow this caller, as one statement; null where nothing. */
const statementOf = (
  bucket: Bucket,
  grants: Grant[],
  isObject: boolean,
  resource: string,
  caller: Caller,
): PolicyStatement | null => {
  const table = isObject ? OBJECT_ACTIONS : BUCKET_ACTIONS;
  const actions = grants
    .filter((grant) => reaches(bucket, grant, caller))
    .flatMap(({ permission }) =>
      permission === 'FULL_CONTROL' ? Object.values(table).flat() : table[permission],
    );
  if (actions.length === 0) return null;
  const principal = caller.kind === 'anonymous' ? '*' : { AWS: accountOf(caller) };
  return { Effect: 'Allow', Principal: principal, Action: [...new Set(actions)], Resource: resource };
};

const reaches = (bucket: Bucket, { grantee }: Grant, caller: Caller): boolean => {
  if (caller.kind === 'service') return false;
  if (grantee.kind === 'user')
    return caller.kind !== 'anonymous' && grantee.id === canonicalUserId(caller.accountId);
  if (!isPublicGrantee(grantee) || bucket.publicAccessBlock?.IgnorePublicAcls === true) return false;
  return grantee.uri === ALL_USERS || caller.kind !== 'anonymous';
};
