/** The resources, condition keys and values from which random policies and requests are built. */
import type { ContextValue } from '../../src/core/access.ts';

export const HOME = '111111111111';
export const ABROAD = '222222222222';
export const ROLE_ID = 'AROAREADERREADERREADE';
export const ROLE_ARN = `arn:aws:iam::${HOME}:role/reader`;
export const SESSION_ARN = `arn:aws:sts::${HOME}:assumed-role/reader/one`;

/** A resource, with the actions and condition keys of requests for it. */
export interface Target {
  actions: string[];
  resource: string;
  /** The accounts that may own the resource. */
  owners: string[];
  keys: string[];
}

export const GLOBAL_KEYS = [
  'aws:CurrentTime',
  'aws:EpochTime',
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalIsAWSService',
  'aws:PrincipalOrgID',
  'aws:PrincipalServiceName',
  'aws:PrincipalServiceNamesList',
  'aws:PrincipalType',
  'aws:RequestedRegion',
  'aws:ResourceAccount',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'aws:SourceIp',
  'aws:SourceVpce',
  'aws:TokenIssueTime',
  'aws:userid',
];

export const TARGETS: Target[] = [
  {
    actions: ['s3:GetObject'],
    resource: 'arn:aws:s3:::bucket/some/key:1',
    owners: [HOME, ABROAD],
    keys: ['s3:ExistingObjectTag/team', 's3:signatureAge', 's3:TlsVersion'],
  },
  {
    actions: ['s3:PutObject'],
    resource: 'arn:aws:s3:::bucket/some/key:1',
    owners: [HOME, ABROAD],
    keys: [
      's3:object-lock-remaining-retention-days',
      's3:object-lock-retain-until-date',
      's3:RequestObjectTagKeys',
      's3:x-amz-acl',
    ],
  },
  {
    actions: ['s3:ListBucket'],
    resource: 'arn:aws:s3:::bucket',
    owners: [HOME, ABROAD],
    keys: ['s3:prefix', 's3:max-keys'],
  },
  {
    actions: ['sqs:SendMessage', 'sqs:ReceiveMessage'],
    resource: `arn:aws:sqs:eu-central-1:${HOME}:queue`,
    owners: [HOME],
    keys: [],
  },
  {
    actions: ['sqs:SendMessage'],
    resource: `arn:aws:sqs:eu-central-1:${ABROAD}:queue`,
    owners: [ABROAD],
    keys: [],
  },
  {
    actions: ['kms:Decrypt'],
    resource: `arn:aws:kms:eu-central-1:${HOME}:key/0a1b2c3d-0000-4000-8000-000000000000`,
    owners: [HOME],
    keys: ['kms:EncryptionContextKeys', 'kms:ViaService'],
  },
  {
    actions: ['kms:Decrypt'],
    resource: `arn:aws:kms:eu-central-1:${ABROAD}:key/0a1b2c3d-0000-4000-8000-000000000000`,
    owners: [ABROAD],
    keys: ['kms:ViaService'],
  },
  {
    actions: ['sts:AssumeRole'],
    resource: `arn:aws:iam::${HOME}:role/writer`,
    owners: [HOME],
    keys: ['sts:ExternalId', 'sts:RoleSessionName'],
  },
  {
    actions: ['sts:AssumeRole'],
    resource: `arn:aws:iam::${ABROAD}:role/writer`,
    owners: [ABROAD],
    keys: ['sts:ExternalId'],
  },
];

export type Type = 'string' | 'list' | 'date' | 'number' | 'ip' | 'arn' | 'bool';

/** The values that each condition key may have in requests, and in policies. `request` is empty for keys that IAM adds. */
export const VALUES: Record<string, { type: Type; request: ContextValue[]; policy: string[] }> = {
  'aws:CurrentTime': date(['2026-01-01T00:00:00Z', '2026-01-02T00:00:00.000Z', '2026-01-03']),
  'aws:EpochTime': { type: 'number', request: [], policy: ['1767312000', '1767225600', '1867225600'] },
  'aws:PrincipalAccount': text([], [HOME, ABROAD, '1111*']),
  'aws:PrincipalArn': arn(
    [],
    [ROLE_ARN, 'arn:aws:iam::*:role/read*', 'arn:*:iam:*:*:role/r??der', 'arn:aws:iam::*:*', SESSION_ARN],
  ),
  'aws:PrincipalIsAWSService': { type: 'bool', request: [], policy: ['true', 'false'] },
  'aws:PrincipalOrgID': text([], ['o-1234567890', 'o-0987654321', 'o-*']),
  'aws:PrincipalServiceName': text([], ['s3.amazonaws.com', 'sns.amazonaws.com']),
  'aws:PrincipalServiceNamesList': list([], ['s3.amazonaws.com', 's3*', 'sns.amazonaws.com']),
  'aws:PrincipalType': text([], ['AssumedRole', 'Account', 'Anonymous']),
  'aws:RequestedRegion': text(['eu-central-1', 'us-east-1'], ['eu-*', 'us-east-1']),
  'aws:ResourceAccount': text([], [HOME, ABROAD]),
  'aws:SecureTransport': { type: 'bool', request: [], policy: ['true', 'false'] },
  'aws:SourceAccount': text([], [HOME, ABROAD]),
  'aws:SourceArn': arn([], ['arn:aws:s3:::bucket', 'arn:aws:s3:::*', 'arn:aws:s3:*:*:b?cket']),
  'aws:SourceIp': {
    type: 'ip',
    request: ['10.1.2.3', '203.0.113.7', '2001:db8::1'],
    policy: ['10.0.0.0/8', '203.0.113.7', '203.0.113.7/32', '2001:db8::/32'],
  },
  'aws:SourceVpce': text([], ['vpce-1']),
  'aws:TokenIssueTime': date(['2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z']),
  'aws:userid': text([], [`${ROLE_ID}:one`, `${ROLE_ID}:*`, HOME]),
  'kms:EncryptionContextKeys': list([['team'], ['team', 'aws:s3:arn']], ['team', 'aws:*']),
  'kms:ViaService': text(
    ['s3.eu-central-1.amazonaws.com'],
    ['s3.*.amazonaws.com', 's3.us-east-1.amazonaws.com'],
  ),
  's3:ExistingObjectTag/team': text(['red', 'Red', ''], ['red', 'RED', 'r?d', '']),
  's3:max-keys': { type: 'number', request: ['10', '1000'], policy: ['10', '100', '10.5'] },
  's3:object-lock-remaining-retention-days': { type: 'number', request: ['1', '400'], policy: ['1', '365'] },
  's3:object-lock-retain-until-date': {
    ...date(['2026-06-01T00:00:00Z', '2030-01-01T00:00:00Z']),
    request: ['2027-01-01T00:00:00.000Z', '2026-06-01T00:00:00Z'],
  },
  's3:prefix': text(['reports/2026', ''], ['reports/*', 'reports/2026', '*']),
  's3:RequestObjectTagKeys': list([['team'], ['team', 'cost'], ['Team']], ['team', 'cost', 'c*']),
  's3:signatureAge': { type: 'number', request: ['0', '600001'], policy: ['600000'] },
  's3:TlsVersion': { type: 'number', request: ['1.2', '1.3'], policy: ['1.2', '1.3'] },
  's3:x-amz-acl': text(['bucket-owner-full-control'], ['bucket-owner-full-control', 'private']),
  'sts:ExternalId': text(['secret'], ['secret', 'other']),
  'sts:RoleSessionName': text(['one'], ['one', 'o*']),
};

export function text(request: string[], policy: string[]) {
  return { type: 'string' as const, request, policy };
}
function list(request: string[][], policy: string[]) {
  return { type: 'list' as const, request, policy };
}
function arn(request: string[], policy: string[]) {
  return { type: 'arn' as const, request, policy };
}
function date(policy: string[]) {
  return { type: 'date' as const, request: [], policy };
}
