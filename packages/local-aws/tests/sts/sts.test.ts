import { randomBytes } from 'node:crypto';
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type AssumeRoleCommandOutput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Credentials, PolicyDocument } from '../../src/core/access.ts';
import { accountId, type CoreServices, otherAccountId, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let function_: Credentials;

const replicaRoleArn = `arn:aws:iam::${otherAccountId}:role/replica`;
const functionRoleArn = `arn:aws:iam::${accountId}:role/function`;
const mayAssume = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: replicaRoleArn };

beforeEach(async () => {
  services = await startCoreServices();
  function_ = services.sessionOf('function', [mayAssume]);
  putReplicaRole();
});
afterEach(() => services.close());

function trust(principal: string, condition?: Record<string, Record<string, string>>): PolicyDocument {
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: principal } } as const;
  return { Version: '2012-10-17', Statement: [{ ...statement, ...(condition && { Condition: condition }) }] };
}

function putReplicaRole(
  assumeRolePolicy = trust(functionRoleArn, { StringEquals: { 'sts:ExternalId': 'secret' } }),
): void {
  services.iam.putRole({ accountId: otherAccountId, roleName: 'replica', assumeRolePolicy, policies: [] });
}

/** Returns a trust policy that lets only the function's role assume the role and set the source identity. */
function trustWithIdentity(condition?: Record<string, Record<string, string>>): PolicyDocument {
  const identify = {
    Effect: 'Allow',
    Action: 'sts:SetSourceIdentity',
    Principal: { AWS: functionRoleArn },
    ...(condition && { Condition: condition }),
  } as const;
  const { Statement: trusting } = trust(functionRoleArn, { StringEquals: { 'sts:ExternalId': 'secret' } });
  return { Version: '2012-10-17', Statement: [trusting, identify].flat() };
}

const mayIdentify = { ...mayAssume, Action: 'sts:SetSourceIdentity' };

const refusedIdentity = {
  name: 'AccessDenied',
  message: expect.stringContaining('not authorized to perform: sts:SetSourceIdentity on resource'),
  $metadata: { httpStatusCode: 403 },
};

const credentialsOf = ({ Credentials: given }: AssumeRoleCommandOutput): Credentials => ({
  accessKeyId: given?.AccessKeyId ?? '',
  secretAccessKey: given?.SecretAccessKey ?? '',
  sessionToken: given?.SessionToken ?? '',
});

function assume(credentials = function_, change: Partial<AssumeRoleCommandInput> = {}) {
  const input = { RoleArn: replicaRoleArn, RoleSessionName: 'copy', ExternalId: 'secret', ...change };
  return services.stsClient(credentials).send(new AssumeRoleCommand(input));
}

const denied = {
  name: 'AccessDenied',
  message: `User: arn:aws:sts::${accountId}:assumed-role/function/test-session is not authorized to perform: sts:AssumeRole on resource: ${replicaRoleArn}`,
  $metadata: { httpStatusCode: 403 },
};

test('AssumeRole of a trusting role returns credentials that work and name the session', async () => {
  const before = services.clock.now();
  const { Credentials: given, AssumedRoleUser: user } = await assume();
  expect(user?.Arn).toBe(`arn:aws:sts::${otherAccountId}:assumed-role/replica/copy`);
  expect(user?.AssumedRoleId).toMatch(/^AROA[A-Z2-7]{17}:copy$/);
  expect(given?.AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
  expect(Math.round(((given?.Expiration?.getTime() ?? 0) - before) / 60_000)).toBe(60);
  const identity = await services
    .stsClient({
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      sessionToken: given?.SessionToken ?? '',
    })
    .send(new GetCallerIdentityCommand());
  expect(identity).toMatchObject({ Account: otherAccountId, Arn: user?.Arn, UserId: user?.AssumedRoleId });
});

test('AssumeRole without the right external id is refused', async () => {
  await expect(assume(function_, { ExternalId: 'guessed' })).rejects.toMatchObject(denied);
  await expect(assume(function_, { ExternalId: undefined })).rejects.toMatchObject(denied);
});

test("AssumeRole across accounts needs the caller's permission and the role's trust", async () => {
  const other = services.sessionOf('other', [mayAssume]);
  await expect(assume(other)).rejects.toMatchObject({ name: 'AccessDenied' });
  function_ = services.sessionOf('function', []);
  await expect(assume(function_)).rejects.toMatchObject(denied);
});

test('AssumeRole of a role that does not exist is refused in the same words', async () => {
  services.iam.deleteRole(replicaRoleArn);
  await expect(assume()).rejects.toMatchObject(denied);
});

test('a role that trusts an account leaves the choice of callers to that account', async () => {
  putReplicaRole(trust(`arn:aws:iam::${accountId}:root`));
  await expect(assume()).resolves.toBeDefined();
  await expect(assume(services.sessionOf('other', []))).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('within one account the trust of a role is enough to assume it, and an identity policy alone is not', async () => {
  const RoleArn = `arn:aws:iam::${accountId}:role/near`;
  const role = { accountId, roleName: 'near', policies: [] };
  services.iam.putRole({ ...role, assumeRolePolicy: trust(functionRoleArn) });
  await expect(assume(services.sessionOf('function', []), { RoleArn })).resolves.toBeDefined();
  services.sessionOf('somebody', []);
  services.iam.putRole({ ...role, assumeRolePolicy: trust(`arn:aws:iam::${accountId}:role/somebody`) });
  const allowed = services.sessionOf('function', [{ ...mayAssume, Resource: RoleArn }]);
  await expect(assume(allowed, { RoleArn })).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('a trust policy can require a session name', async () => {
  putReplicaRole(trust(functionRoleArn, { StringLike: { 'sts:RoleSessionName': 'copy-*' } }));
  await expect(assume(function_, { RoleSessionName: 'copy-1' })).resolves.toBeDefined();
  await expect(assume()).rejects.toMatchObject(denied);
});

test('a session expires by the local clock', async () => {
  const { Credentials: given } = await assume(function_, { DurationSeconds: 900 });
  const credentials = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  services.clock.advance(890_000);
  await expect(services.stsClient(credentials).send(new GetCallerIdentityCommand())).resolves.toBeDefined();
  services.clock.advance(11_000);
  // The first attempt fails, because the clock was moved forward. The SDK corrects its clock from the
  // response, and the second attempt succeeds.
  const client = new STSClient({ ...services.clientOptions(credentials), maxAttempts: 2 });
  await expect(client.send(new GetCallerIdentityCommand())).rejects.toMatchObject({
    name: expect.stringMatching(/^ExpiredToken/),
  });
});

test('a root user cannot assume a role', async () => {
  await expect(assume(services.iam.rootCredentials(accountId))).rejects.toMatchObject({
    name: 'AccessDenied',
    message: 'Roles may not be assumed by root accounts.',
  });
});

test('role chaining is limited to one hour', async () => {
  await expect(assume(function_, { DurationSeconds: 3601 })).rejects.toThrow('role chaining');
});

test.each<[Partial<AssumeRoleCommandInput>, string]>([
  [{ DurationSeconds: 899 }, 'greater than or equal to 900'],
  [{ DurationSeconds: 43_201 }, 'less than or equal to 43200'],
  [{ RoleSessionName: 'a' }, 'length greater than or equal to 2'],
  [{ RoleSessionName: 'with space' }, 'regular expression'],
  [{ ExternalId: 'with space' }, 'regular expression'],
  [{ RoleArn: 'arn:aws:iam::1:role/x' }, 'is invalid'],
  [{ SourceIdentity: 'a' }, 'length greater than or equal to 2'],
  [{ SourceIdentity: 'with space' }, 'regular expression'],
  [{ Policy: '{"Statement":"é…"}' }, 'regular expression'],
])('AssumeRole with %j is a validation error', async (change, message) => {
  await expect(assume(function_, change)).rejects.toMatchObject({
    name: 'ValidationError',
    message: expect.stringContaining(message),
    $metadata: { httpStatusCode: 400 },
  });
});

test('a source identity must be allowed to the caller and by the trust of the role', async () => {
  const SourceIdentity = 'somebody';
  await expect(assume(function_, { SourceIdentity })).rejects.toMatchObject(refusedIdentity);
  putReplicaRole(trustWithIdentity());
  await expect(assume(function_, { SourceIdentity })).rejects.toMatchObject(refusedIdentity);
  function_ = services.sessionOf('function', [mayAssume, mayIdentify]);
  expect(await assume(function_, { SourceIdentity })).toMatchObject({ SourceIdentity });
  expect((await assume(function_)).SourceIdentity).toBeUndefined();
});

test('a trust policy can require a source identity, but not an external id for sts:SetSourceIdentity', async () => {
  function_ = services.sessionOf('function', [mayAssume, mayIdentify]);
  putReplicaRole(trustWithIdentity({ StringLike: { 'sts:SourceIdentity': 'some*' } }));
  await expect(assume(function_, { SourceIdentity: 'somebody' })).resolves.toBeDefined();
  await expect(assume(function_, { SourceIdentity: 'else' })).rejects.toMatchObject(refusedIdentity);
  putReplicaRole(trustWithIdentity({ StringEquals: { 'sts:ExternalId': 'secret' } }));
  await expect(assume(function_, { SourceIdentity: 'somebody' })).rejects.toMatchObject(refusedIdentity);
});

test('a source identity is part of the requests of its session, persists along a chain of roles and cannot change there', async () => {
  function_ = services.sessionOf('function', [mayAssume, mayIdentify]);
  putReplicaRole(trustWithIdentity());
  const session = credentialsOf(await assume(function_, { SourceIdentity: 'somebody' }));
  const nextArn = `arn:aws:iam::${otherAccountId}:role/next`;
  const chosen: PolicyDocument = {
    Statement: [
      {
        Effect: 'Allow',
        Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'],
        Principal: { AWS: replicaRoleArn },
        Condition: { StringEquals: { 'aws:SourceIdentity': 'somebody' } },
      },
    ],
  };
  services.iam.putRole({
    accountId: otherAccountId,
    roleName: 'next',
    assumeRolePolicy: chosen,
    policies: [],
  });
  const next = (change: Partial<AssumeRoleCommandInput> = {}) =>
    assume(session, { RoleArn: nextArn, ...change });
  expect(await next()).toMatchObject({ SourceIdentity: 'somebody' });
  await expect(next({ SourceIdentity: 'else' })).rejects.toMatchObject(refusedIdentity);
  const nameless = credentialsOf(await assume(function_));
  await expect(assume(nameless, { RoleArn: nextArn })).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('AssumeRole returns the packed size of the session policy, and refuses a policy whose packed size is too large', async () => {
  const policyFor = (resource: string): string =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: resource }],
    });
  const { PackedPolicySize } = await assume(function_, { Policy: policyFor('*') });
  expect(PackedPolicySize).toBeGreaterThan(0);
  expect((await assume()).PackedPolicySize).toBeUndefined();
  const random = randomBytes(1_300).toString('base64');
  await expect(assume(function_, { Policy: ' '.repeat(2_049) })).rejects.toThrow(
    'less than or equal to 2048',
  );
  await expect(assume(function_, { Policy: policyFor(random) })).rejects.toMatchObject({
    name: 'PackedPolicyTooLargeException',
    message: expect.stringMatching(/^Packed policy consumes 1\d\d% of allotted space/),
  });
});
