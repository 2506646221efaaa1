/**
 * Converts access control lists to policy statements, so that they can be evaluated together with the statements of policies.
 *
 * Source: Amazon S3 User Guide "Access control list (ACL) overview", "Mapping of ACL permissions and access policy permissions"
 * (acl-overview.html); "How Amazon S3 authorizes a request for an object operation"
 * (access-control-auth-workflow-object-operation.html).
 */
import type { Caller, PolicyDocument, PolicyStatement } from '../../core/access.ts';
import { ALL_USERS, isPublicGrantee } from './acl-grants.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import type { Bucket } from '../model/bucket.ts';
import type { StoredObject, Grant, Permission } from '../model/object.ts';
import { aclsCount, grantsOf, ownerAccountOf } from './ownership.ts';
import { accountOf } from '../protocol/request.ts';

interface ResourceAccess {
  resourceAccountId: string;
  resourcePolicy: PolicyDocument | undefined;
}

/**
 * Returns the account that owns the resource, and the policy that applies to this caller. `document` is the bucket policy. `object` is set
 * if the action concerns an existing object. If the bucket's owner does not own the object, only the Deny statements of the bucket policy
 * apply to the object.
 */
export const policiesFor = (
  bucket: Bucket,
  document: PolicyDocument | undefined,
  { object, resource, caller }: { object: StoredObject | undefined; resource: string; caller: Caller },
): ResourceAccess => {
  if (!aclsCount(bucket)) return { resourceAccountId: bucket.accountId, resourcePolicy: document };
  const ownerAccountId = object === undefined ? bucket.accountId : ownerAccountOf(bucket, object);
  const owned = object ?? { ownerAccountId, acl: bucket.acl };
  const grants = grantsOf(bucket, owned).filter((grant) => reaches(bucket, grant, caller));
  const granted = grantedStatement(
    grants,
    object === undefined ? BUCKET_ACTIONS : OBJECT_ACTIONS,
    resource,
    caller,
  );
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

type PermittedActions = Record<Exclude<Permission, 'FULL_CONTROL'>, string[]>;

const BUCKET_ACTIONS: PermittedActions = {
  // GetObject is included, because a caller who may list the bucket learns which keys do not exist.
  READ: [
    's3:ListBucket',
    's3:ListBucketVersions',
    's3:ListBucketMultipartUploads',
    's3:GetObject',
    's3:GetObjectVersion',
  ],
  // PutObjectAcl is included, because the writer owns the new object and may set its ACL in the same request.
  WRITE: ['s3:PutObject', 's3:PutObjectAcl'],
  READ_ACP: ['s3:GetBucketAcl'],
  WRITE_ACP: ['s3:PutBucketAcl'],
};

const OBJECT_ACTIONS: PermittedActions = {
  READ: ['s3:GetObject', 's3:GetObjectVersion'],
  WRITE: [],
  READ_ACP: ['s3:GetObjectAcl', 's3:GetObjectVersionAcl'],
  WRITE_ACP: ['s3:PutObjectAcl', 's3:PutObjectVersionAcl'],
};

/** Converts the grants that apply to a caller to one statement. Returns null if the grants allow nothing. */
const grantedStatement = (
  grants: Grant[],
  table: PermittedActions,
  resource: string,
  caller: Caller,
): PolicyStatement | null => {
  const actions = grants.flatMap(({ permission }) =>
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
