import { beforeEach, expect, test } from 'vitest';
import { type AdjustableClock, createClock } from '../../src/core/clock.ts';
import type { AccessQuestion, Caller, PolicyDocument, PolicyStatement } from '../../src/core/access.ts';
import { accessDeniedMessage } from '../../src/iam/authorizer.ts';
import { createIam, type Iam } from '../../src/iam/iam.ts';

const home = '111111111111';
const abroad = '222222222222';
const object = 'arn:aws:s3:::bucket/some/key';
const roleArn = `arn:aws:iam::${home}:role/reader`;
const sessionArn = `arn:aws:sts::${home}:assumed-role/reader/one`;

let clock: AdjustableClock;
let iam: Iam;
beforeEach(() => {
  clock = createClock();
  iam = createIam({ clock });
});

function policy(...statements: PolicyStatement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

function reader(policies: PolicyDocument[], sessionPolicy?: PolicyDocument): Caller {
  iam.putRole({ accountId: home, roleName: 'reader', assumeRolePolicy: policy(), policies });
  return iam.createSession(roleArn, 'one', 3600, { policy: sessionPolicy }).caller;
}

function decide(caller: Caller, more: Partial<AccessQuestion> = {}): string {
  const decision = iam.decide({
    caller,
    action: 's3:GetObject',
    resource: object,
    resourceAccountId: home,
    secureTransport: true,
    ...more,
  });
  return decision.allowed ? 'allowed' : decision.reason;
}

const allowGet: PolicyStatement = {
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::bucket/*',
};
const noIdentity = 'because no identity-based policy allows the s3:GetObject action';
const noResource = 'because no resource-based policy allows the s3:GetObject action';

test('an identity policy allows what it names and nothing else', () => {
  const caller = reader([policy(allowGet)]);
  expect(decide(caller)).toBe('allowed');
  expect(decide(caller, { action: 's3:PutObject' })).toBe(
    'because no identity-based policy allows the s3:PutObject action',
  );
  expect(decide(caller, { resource: 'arn:aws:s3:::bucketeer/key' })).toBe(noIdentity);
});

test('a root user may do everything that no resource policy denies', () => {
  const root = iam.rootCaller(home);
  expect(decide(root)).toBe('allowed');
  const deny = policy({ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' });
  expect(decide(root, { resourcePolicy: deny })).toBe('with an explicit deny in a resource-based policy');
});

test.each([
  ['the role', { AWS: roleArn }, 'allowed'],
  ['the session', { AWS: sessionArn }, 'allowed'],
  ['everyone', '*', 'allowed'],
  ['everyone, the other way', { AWS: '*' }, 'allowed'],
  ['the account, which leaves it to identity policies', { AWS: home }, noIdentity],
  ['the account by its root ARN', { AWS: `arn:aws:iam::${home}:root` }, noIdentity],
  ['another role', { AWS: `arn:aws:iam::${home}:role/writer` }, noIdentity],
  ['a service', { Service: 's3.amazonaws.com' }, noIdentity],
] as const)('a resource policy that names %s decides as AWS documents', (_who, principal, expected) => {
  const resourcePolicy = policy({ ...allowGet, Principal: principal });
  expect(decide(reader([]), { resourcePolicy })).toBe(expected);
});

test('an explicit deny wins, whichever policy contains it', () => {
  const deny: PolicyStatement = { ...allowGet, Effect: 'Deny' };
  expect(decide(reader([policy(allowGet, deny)]))).toBe('with an explicit deny in an identity-based policy');
  const resourcePolicy = policy({ ...deny, Principal: { AWS: home } });
  expect(decide(reader([policy(allowGet)]), { resourcePolicy })).toBe(
    'with an explicit deny in a resource-based policy',
  );
});

test('a session policy narrows what the role may do, but not what a policy grants to the session itself', () => {
  const onlyPut = policy({ Effect: 'Allow', Action: 's3:PutObject', Resource: '*' });
  const caller = reader([policy(allowGet)], onlyPut);
  const refused = 'because no session policy allows the s3:GetObject action';
  expect(decide(caller)).toBe(refused);
  expect(decide(caller, { resourcePolicy: policy({ ...allowGet, Principal: { AWS: roleArn } }) })).toBe(
    refused,
  );
  expect(decide(caller, { resourcePolicy: policy({ ...allowGet, Principal: { AWS: sessionArn } }) })).toBe(
    'allowed',
  );
  expect(decide(caller, { action: 's3:PutObject' })).toBe(
    'because no identity-based policy allows the s3:PutObject action',
  );
});

test('a change of a role applies to its existing sessions', () => {
  const caller = reader([]);
  expect(decide(caller)).toBe(noIdentity);
  reader([policy(allowGet)]);
  expect(decide(caller)).toBe('allowed');
  iam.deleteRole(roleArn);
  expect(decide(caller)).toBe(noIdentity);
});

const there = { resourceAccountId: abroad };

test('access across accounts needs the permission of both accounts', () => {
  const resourcePolicy = policy({ ...allowGet, Principal: { AWS: home } });
  expect(decide(reader([policy(allowGet)]), { ...there })).toBe(noResource);
  expect(decide(reader([]), { ...there, resourcePolicy })).toBe(noIdentity);
  expect(decide(reader([policy(allowGet)]), { ...there, resourcePolicy })).toBe('allowed');
});

test('a root user has no rights of its own in another account', () => {
  expect(decide(iam.rootCaller(home), there)).toBe(noResource);
  const resourcePolicy = policy({ ...allowGet, Principal: { AWS: `arn:aws:iam::${home}:root` } });
  expect(decide(iam.rootCaller(home), { ...there, resourcePolicy })).toBe('allowed');
});

test('an AWS service is judged by the resource policy with the source ARN and account', () => {
  const caller: Caller = {
    kind: 'service',
    service: 's3.amazonaws.com',
    sourceArn: 'arn:aws:s3:::bucket',
    sourceAccount: home,
  };
  const question = { action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-central-1:111111111111:queue' };
  const statement: PolicyStatement = {
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'SQS:SendMessage',
    Resource: question.resource,
    Condition: {
      ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::bucket' },
      StringEquals: { 'aws:SourceAccount': home },
    },
  };
  expect(decide(caller, { ...question, resourcePolicy: policy(statement) })).toBe('allowed');
  const other = { ...caller, sourceAccount: abroad };
  expect(decide(other, { ...question, resourcePolicy: policy(statement) })).toContain(
    'no resource-based policy',
  );
  expect(decide(caller, question)).toContain('no resource-based policy');
});

test('an anonymous caller may do what everybody may do', () => {
  const anonymous: Caller = { kind: 'anonymous' };
  expect(decide(anonymous)).toBe(noResource);
  expect(decide(anonymous, { resourcePolicy: policy({ ...allowGet, Principal: '*' }) })).toBe('allowed');
  expect(decide(anonymous, { resourcePolicy: policy({ ...allowGet, Principal: { AWS: home } }) })).toBe(
    noResource,
  );
});

test.each<[string, Record<string, unknown>, string]>([
  ['an action with another case', { Action: 'S3:getobject' }, 'allowed'],
  ['a pattern of actions', { Action: 's3:Get*' }, 'allowed'],
  ['a question mark for one character', { Action: 's3:GetObjec?' }, 'allowed'],
  ['a question mark for no character', { Action: 's3:GetObject?' }, noIdentity],
  ['all but another action', { Action: undefined, NotAction: 's3:PutObject' }, 'allowed'],
  ['all but this action', { Action: undefined, NotAction: ['s3:Get*', 's3:List*'] }, noIdentity],
  ['a resource in another case', { Resource: 'arn:aws:s3:::BUCKET/*' }, noIdentity],
  ['one of several resources', { Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::bucket/some/*'] }, 'allowed'],
  ['all but another resource', { Resource: undefined, NotResource: 'arn:aws:s3:::other/*' }, 'allowed'],
  ['all but this resource', { Resource: undefined, NotResource: '*key' }, noIdentity],
])('a statement with %s is evaluated as documented', (_name, change, expected) => {
  const merged = { ...allowGet, ...change };
  const statement = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
  const document = policy(JSON.parse(JSON.stringify(statement)));
  expect(decide(reader([document]))).toBe(expected);
});

const present = { 's3:prefix': 'reports/2026', 's3:max-keys': '10', 'aws:sourceip': '10.1.2.3' };

test.each<[string, PolicyStatement['Condition'], boolean]>([
  ['StringEquals', { StringEquals: { 's3:prefix': ['x', 'reports/2026'] } }, true],
  ['StringEquals of another case', { StringEquals: { 's3:prefix': 'Reports/2026' } }, false],
  ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { 'S3:Prefix': 'REPORTS/2026' } }, true],
  ['StringLike', { StringLike: { 's3:prefix': 'reports/*' } }, true],
  ['StringLike without a wildcard', { StringLike: { 's3:prefix': 'reports/' } }, false],
  ['StringNotEquals', { StringNotEquals: { 's3:prefix': ['a', 'b'] } }, true],
  ['StringNotEquals of the value', { StringNotEquals: { 's3:prefix': ['a', 'reports/2026'] } }, false],
  ['StringNotLike', { StringNotLike: { 's3:prefix': 'secret/*' } }, true],
  ['StringEquals of an absent key', { StringEquals: { 's3:delimiter': '/' } }, false],
  ['StringNotEquals of an absent key', { StringNotEquals: { 's3:delimiter': '/' } }, true],
  ['StringEqualsIfExists of an absent key', { StringEqualsIfExists: { 's3:delimiter': '/' } }, true],
  ['StringEqualsIfExists of a present key', { StringEqualsIfExists: { 's3:prefix': '/' } }, false],
  ['Null of an absent key', { Null: { 's3:delimiter': 'true' } }, true],
  ['Null of a present key', { Null: { 's3:prefix': 'true' } }, false],
  ['Null false of a present key', { Null: { 's3:prefix': false } }, true],
  ['Bool', { Bool: { 'aws:SecureTransport': 'true' } }, true],
  ['Bool as a JSON value', { Bool: { 'aws:SecureTransport': false } }, false],
  ['NumericLessThanEquals', { NumericLessThanEquals: { 's3:max-keys': 10 } }, true],
  ['NumericGreaterThan', { NumericGreaterThan: { 's3:max-keys': '10' } }, false],
  ['DateGreaterThan', { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, true],
  ['DateLessThan', { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, false],
  ['IpAddress', { IpAddress: { 'aws:SourceIp': ['192.168.0.0/16', '10.0.0.0/8'] } }, true],
  ['NotIpAddress', { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, false],
  ['ArnLike', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/read*' } }, true],
  ['ArnLike over a colon', { ArnLike: { 'aws:PrincipalArn': 'arn:*:role/reader' } }, false],
  ['ArnNotEquals', { ArnNotEquals: { 'aws:PrincipalArn': roleArn } }, false],
  [
    'PrincipalAccount and ResourceAccount',
    { StringEquals: { 'aws:PrincipalAccount': home, 'aws:ResourceAccount': home } },
    true,
  ],
  ['ForAnyValue', { 'ForAnyValue:StringLike': { 's3:prefix': 'rep*' } }, true],
  ['ForAnyValue of an absent key', { 'ForAnyValue:StringEquals': { 's3:delimiter': '/' } }, false],
  ['ForAllValues of an absent key', { 'ForAllValues:StringEquals': { 's3:delimiter': '/' } }, true],
  [
    'two operators of which one fails',
    { StringLike: { 's3:prefix': '*' }, Bool: { 'aws:SecureTransport': 'false' } },
    false,
  ],
])('the condition %s is evaluated as documented', (_name, condition, expected) => {
  const caller = reader([policy({ ...allowGet, ...(condition && { Condition: condition }) })]);
  expect(decide(caller, { context: present })).toBe(expected ? 'allowed' : noIdentity);
});

test('a denial is worded as AWS words it', () => {
  const caller = reader([]);
  const message = accessDeniedMessage({ caller, action: 's3:GetObject', resource: object }, decide(caller));
  expect(message).toBe(
    `User: ${sessionArn} is not authorized to perform: s3:GetObject on resource: "${object}" ` +
      'because no identity-based policy allows the s3:GetObject action',
  );
});

const denyGet: PolicyStatement = { ...allowGet, Effect: 'Deny' };
const allowAll: PolicyStatement = { Effect: 'Allow', Action: '*', Resource: '*' };

test('a service control policy restricts everybody in the account, the root user too, and nobody else', () => {
  const callers = [reader([policy(allowGet)]), iam.rootCaller(home)];
  iam.controlAccount(home, [policy(allowAll), policy(denyGet)]);
  for (const caller of callers)
    expect(decide(caller)).toBe('with an explicit deny in a service control policy');
  iam.controlAccount(home, [policy({ ...allowGet, Action: 's3:PutObject' })]);
  for (const caller of callers)
    expect(decide(caller)).toBe('because no service control policy allows the s3:GetObject action');
  expect(decide(iam.rootCaller(abroad), { resourceAccountId: abroad })).toBe('allowed');
});

test('a permissions boundary restricts a role, and allows nothing by itself', () => {
  const bounded = (boundary: PolicyDocument, ...policies: PolicyDocument[]) => {
    iam.putRole({ accountId: home, roleName: 'reader', assumeRolePolicy: policy(), policies, boundary });
    return decide(iam.createSession(roleArn, 'one', 3600).caller);
  };
  expect(bounded(policy(allowAll), policy(allowGet))).toBe('allowed');
  expect(bounded(policy(allowAll))).toBe(noIdentity);
  expect(bounded(policy(denyGet), policy(allowGet))).toBe('with an explicit deny in a permissions boundary');
  expect(bounded(policy({ ...allowGet, Action: 's3:PutObject' }), policy(allowGet))).toBe(
    'because no permissions boundary allows the s3:GetObject action',
  );
});

test('a condition on the permissions boundary is absent from requests without one, so a negated Deny applies', () => {
  const boundary = `arn:aws:iam::${home}:policy/boundary`;
  const Condition = { StringNotEquals: { 'iam:PermissionsBoundary': boundary } };
  iam.controlAccount(home, [
    policy(allowAll, { Effect: 'Deny', Action: 'iam:CreateRole', Resource: '*', Condition }),
  ]);
  const create = { action: 'iam:CreateRole', resource: roleArn };
  expect(decide(iam.rootCaller(home), create)).toContain('service control policy');
  const context = { 'iam:permissionsboundary': boundary };
  expect(decide(iam.rootCaller(home), { ...create, context })).toBe('allowed');
});
