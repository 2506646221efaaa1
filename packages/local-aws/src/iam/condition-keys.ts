import type { PolicyKind } from '../core/access.ts';
import { MalformedPolicy, UnsupportedPolicy } from './policy-errors.ts';

/** How a condition treats a key with several values. `null` treats it as a single value. */
export type Quantifier = 'ForAnyValue' | 'ForAllValues' | null;

/**
 * The condition keys that requests of the local AWS can have. A policy with a key that is in neither list of this file is refused, because
 * a Deny on a key that no request has would silently never apply.
 *
 * Sources: IAM User Guide "AWS global condition context keys" (reference_policies_condition-keys.html); Service Authorization Reference.
 */
const provided = [
  // IAM adds these keys to every request.
  'aws:CalledVia',
  'aws:CurrentTime',
  'aws:EpochTime',
  'aws:MultiFactorAuthPresent',
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalIsAWSService',
  'aws:PrincipalOrgID',
  'aws:PrincipalServiceName',
  'aws:PrincipalServiceNamesList',
  'aws:PrincipalType',
  'aws:ResourceAccount',
  'aws:ResourceOrgID',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'aws:SourceIdentity',
  'aws:TokenIssueTime',
  'aws:userid',
  'aws:ViaAWSService',
  // Requests that arrive over HTTP have these keys.
  'aws:referer',
  'aws:RequestedRegion',
  'aws:SourceIp',
  'aws:UserAgent',
  // DynamoDB adds this key to calls on a single item.
  'dynamodb:LeadingKeys',
  // EventBridge adds these keys to PutEvents.
  'events:detail-type',
  'events:source',
  // The services add the remaining keys. The `iam` keys are in calls that CloudFormation makes in its caller's name.
  'iam:PassedToService',
  'iam:PermissionsBoundary',
  'iam:PolicyARN',
  'kms:CallerAccount',
  'kms:EncryptionContext:*',
  'kms:EncryptionContextKeys',
  'kms:ViaService',
  'lambda:FunctionArn',
  'sns:Endpoint',
  'sns:Protocol',
  'sts:DurationSeconds',
  'sts:ExternalId',
  'sts:RoleSessionName',
  'sts:SourceIdentity',
  's3:authType',
  's3:delimiter',
  's3:ExistingObjectTag/*',
  's3:if-match',
  's3:if-none-match',
  's3:locationconstraint',
  's3:max-keys',
  's3:object-lock-legal-hold',
  's3:object-lock-mode',
  's3:object-lock-remaining-retention-days',
  's3:object-lock-retain-until-date',
  's3:ObjectCreationOperation',
  's3:prefix',
  's3:RequestObjectTag/*',
  's3:RequestObjectTagKeys',
  's3:ResourceAccount',
  's3:signatureAge',
  's3:signatureversion',
  's3:TlsVersion',
  's3:versionid',
  's3:x-amz-acl',
  's3:x-amz-content-sha256',
  's3:x-amz-copy-source',
  's3:x-amz-grant-full-control',
  's3:x-amz-grant-read',
  's3:x-amz-grant-read-acp',
  's3:x-amz-grant-write',
  's3:x-amz-grant-write-acp',
  's3:x-amz-metadata-directive',
  's3:x-amz-object-ownership',
  's3:x-amz-server-side-encryption',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:x-amz-server-side-encryption-customer-algorithm',
  's3:x-amz-storage-class',
  's3:x-amz-website-redirect-location',
];

/** The condition keys that, according to AWS, no request has. The requests that would have them do not exist in the local AWS. */
const absent = [
  // The local AWS has no virtual private clouds, so every request comes from outside of one.
  'aws:Ec2InstanceSourcePrivateIPv4',
  'aws:Ec2InstanceSourceVpc',
  'aws:SourceVpc',
  'aws:SourceVpcArn',
  'aws:SourceVpce',
  'aws:VpceAccount',
  'aws:VpceOrgID',
  'aws:VpceOrgPaths',
  'aws:VpcSourceIp',
  // The local AWS has no users, federated users, second factors or privileged root tasks.
  'aws:AssumedRoot',
  'aws:FederatedProvider',
  'aws:MultiFactorAuthAge',
  'aws:username',
  // In the local AWS, only S3 and CloudFormation call other services in a caller's name, and no call passes through two services.
  'aws:CalledViaFirst',
  'aws:CalledViaLast',
  // The local AWS has no access points, access grants, batch jobs, inventories, annotations or directory buckets. It also lacks
  // replication, event holds, and bucket tags for access control.
  's3:AccessGrantScope',
  's3:AccessGrantsInstanceArn',
  's3:AccessGrantsLocationScope',
  's3:AccessPointNetworkOrigin',
  's3:AccessPointTag/*',
  's3:annotation-prefix',
  's3:BucketTag/*',
  's3:DataAccessPointAccount',
  's3:DataAccessPointArn',
  's3:deliverySourceArn',
  's3:destinationRegion',
  's3:ExistingJobOperation',
  's3:ExistingJobPriority',
  's3:InventoryAccessibleOptionalFields',
  's3:isReplicationPauseRequest',
  's3:JobSuspendedCause',
  's3:logType',
  's3:max-annotation-results',
  's3:object-lock-event-hold',
  's3:object-lock-event-hold-duration-days',
  's3:RequestJobOperation',
  's3:RequestJobPriority',
  's3:resourceArnBeingAuthorized',
  's3:x-amz-bucket-namespace',
  's3:x-amz-object-annotation-directive',
  's3:x-amz-object-if-match',
];

/** The global condition keys that depend on tags, on paths in organizations, or on services that the local AWS lacks. */
const notOffered = new Set(
  [
    'aws:CalledViaAWSMCP',
    'aws:ChatbotSourceArn',
    'aws:IsMcpServiceAction',
    'aws:PrincipalOrgPaths',
    'aws:PrincipalTag/*',
    'aws:RequestTag/*',
    'aws:ResourceOrgPaths',
    'aws:ResourceTag/*',
    'aws:SourceOrgID',
    'aws:SourceOrgPaths',
    'aws:SourceOwner',
    'aws:TagKeys',
    'aws:ViaAWSMCPService',
  ].map((name) => name.toLowerCase()),
);

const names = new Set([...provided, ...absent].map((name) => name.toLowerCase()));
const prefixes = [...names].filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));

/** The keys that may have several values in one request. Conditions on them must begin with ForAnyValue or ForAllValues. */
const multivalued = new Set([
  'aws:calledvia',
  'aws:principalservicenameslist',
  'aws:vpceorgpaths',
  'dynamodb:leadingkeys',
  'events:detail-type',
  'events:source',
  'kms:encryptioncontextkeys',
  's3:requestobjecttagkeys',
]);

/** True if the local AWS knows the condition key. `key` must be in lower case. */
export function isKnownKey(key: string): boolean {
  return names.has(key) || prefixes.some((prefix) => key.startsWith(prefix) && key.length > prefix.length);
}

/**
 * Throws an error if the local AWS does not know the key, or if the key needs ForAnyValue or ForAllValues and has none.
 * The error is {@link MalformedPolicy} for a key of a resource policy that AWS does not know either. In identity policies, AWS accepts any
 * key.
 */
export function refuseUnknownKey(key: string, kind: PolicyKind, quantifier: Quantifier): void {
  if (!isKnownKey(key) && kind === 'resource' && !isKeyOfAws(key))
    throw new MalformedPolicy(`Policy has an invalid condition key: ${key}`);
  if (!isKnownKey(key)) throw new UnsupportedPolicy(`condition key ${key} is not known to the local AWS`);
  if (multivalued.has(key) && quantifier === null) {
    throw new UnsupportedPolicy(
      `condition key ${key} has several values and needs ForAnyValue or ForAllValues`,
    );
  }
}

/** True if AWS may know a key that the local AWS does not know. Never true for keys of S3, because the local AWS knows all of them. */
function isKeyOfAws(key: string): boolean {
  return key.startsWith('aws:')
    ? notOffered.has(key.replace(/\/.+$/, '/*'))
    : /^(?!s3:)[a-z0-9-]+:/.test(key);
}
