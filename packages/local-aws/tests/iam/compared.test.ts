/** Compares the decisions of the local IAM with those of an independent evaluator. */
import { anonymousPrincipal, runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Caller, PolicyDocument } from '../../src/core/access.ts';
import { createAuthorizer } from '../../src/iam/authorizer.ts';
import { contextKeys } from '../../src/iam/request-context.ts';
import { anyCase, type Case } from './policy-generator.ts';
import { HOME, ROLE_ARN, ROLE_ID, SESSION_ARN } from './policy-values.ts';

const clock = { now: () => Date.parse('2026-01-02T00:00:00Z'), sleep: async () => {} };
const organizationOf = (accountId: string): string | undefined =>
  accountId === HOME ? 'o-1234567890' : undefined;

const callerOf = ({ who, identity }: Case): Caller => {
  if (who === 'anonymous') return { kind: 'anonymous' };
  if (who === 's3')
    return {
      kind: 'service',
      service: 's3.amazonaws.com',
      sourceArn: 'arn:aws:s3:::bucket',
      sourceAccount: HOME,
    };
  if (who === 'root')
    return { kind: 'root', accountId: HOME, arn: `arn:aws:iam::${HOME}:root`, principalId: HOME };
  return {
    kind: 'session',
    accountId: HOME,
    arn: SESSION_ARN,
    roleArn: ROLE_ARN,
    principalId: `${ROLE_ID}:one`,
    issuedAt: '2026-01-01T00:00:00.000Z',
    policies: () => identity,
  };
};

const questionOf = (one: Case) => ({ ...one, caller: callerOf(one) });

const decideHere = (one: Case): boolean => {
  const authorizer = createAuthorizer(clock, {
    organizationOf,
    sessionPolicyOf: () => (one.who === 'session' ? one.session : undefined),
  });
  return authorizer.decide(questionOf(one)).allowed;
};

const ADMIN = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };

const decideThere = async (one: Case): Promise<boolean | string> => {
  const { who } = one;
  const keys = contextKeys(questionOf(one), clock, organizationOf);
  const policies = who === 'session' ? one.identity : who === 'root' ? [ADMIN] : [];
  const simulation: Simulation = {
    request: {
      principal: {
        anonymous: anonymousPrincipal,
        s3: 's3.amazonaws.com',
        root: `arn:aws:iam::${HOME}:root`,
        session: SESSION_ARN,
      }[who],
      action: one.action,
      resource: { resource: one.resource, accountId: one.resourceAccountId },
      contextVariables: Object.fromEntries(
        Object.entries(keys).map(([key, value]) => [key, typeof value === 'string' ? value : [...value]]),
      ),
    },
    identityPolicies: policies.map((policy, index) => ({ name: String(index), policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: one.resourcePolicy,
    sessionPolicy: who === 'session' ? one.session : undefined,
  };
  const answer = await runSimulation(simulation, { simulationMode: 'Strict' });
  if (answer.resultType === 'error') return JSON.stringify(answer.errors);
  return answer.overallResult === 'Allowed';
};

const runs = Number(process.env['IAM_RUNS'] ?? 300);

test(
  `the local IAM decides like an independent evaluator (${runs} random cases)`,
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (one) => {
        fc.pre(DIFFERENCES.every(({ drawn }) => drawn?.(one) !== true));
        expect(decideHere(one)).toBe(await decideThere(one));
      }),
      { numRuns: runs },
    );
  },
);

const GUIDE = 'https://docs.aws.amazon.com/IAM/latest/UserGuide';
const QUEUE = `arn:aws:sqs:eu-central-1:${HOME}:queue`;
const KEY = `arn:aws:kms:eu-central-1:${HOME}:key/0a1b2c3d-0000-4000-8000-000000000000`;

const asked = (changes: Partial<Case>): Case => ({
  who: 'session',
  action: 'sqs:SendMessage',
  resource: QUEUE,
  resourceAccountId: HOME,
  secureTransport: true,
  context: {},
  identity: [],
  session: undefined,
  resourcePolicy: undefined,
  ...changes,
});

const allow = (changes: object): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: '*', Resource: '*', ...changes },
});

/**
 * Cases in which the other evaluator does not decide as AWS documents. `drawn` recognises random cases with the same difference; it is
 * absent if random cases never have this difference. If a new version of the evaluator decides a case correctly, the test below fails, and
 * the entry can be removed.
 */
const DIFFERENCES: {
  because: string;
  source: string;
  here: boolean;
  one: Case;
  drawn?: (one: Case) => boolean;
}[] = [
  {
    because: 'a resource policy that names the session is not limited by what the session policy leaves out',
    source: `${GUIDE}/access_policies.html#policies_session`,
    here: true,
    one: asked({
      session: allow({ Action: 'sqs:ReceiveMessage' }),
      resourcePolicy: allow({ Principal: { AWS: SESSION_ARN } }),
    }),
    drawn: ({ session, resourcePolicy, resourceAccountId }) =>
      session !== undefined &&
      resourceAccountId === HOME &&
      JSON.stringify(resourcePolicy ?? '').includes(SESSION_ARN),
  },
  {
    because: 'an IPv6 address is not the IPv4 address that NotIpAddress excludes',
    source: `${GUIDE}/reference_policies_elements_condition_operators.html#Conditions_IPAddress`,
    here: true,
    one: asked({
      context: { 'aws:sourceip': '2001:db8::1' },
      identity: [allow({ Condition: { NotIpAddress: { 'aws:SourceIp': '203.0.113.7' } } })],
    }),
    drawn: (one) =>
      String(one.context['aws:sourceip']).includes(':') && JSON.stringify(one).includes('NotIpAddress'),
  },
  {
    because: 'every IPv4 address belongs to 0.0.0.0/0',
    source: `${GUIDE}/reference_policies_elements_condition_operators.html#Conditions_IPAddress`,
    here: true,
    one: asked({
      context: { 'aws:sourceip': '10.1.2.3' },
      identity: [allow({ Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } })],
    }),
  },
  {
    because: 'IfExists makes any operator true for an absent key, ForAnyValue included',
    source: `${GUIDE}/reference_policies_elements_condition_operators.html#Conditions_IfExists`,
    here: true,
    one: asked({
      identity: [
        allow({ Condition: { 'ForAnyValue:StringEqualsIfExists': { 'aws:SourceVpce': 'vpce-1' } } }),
      ],
    }),
  },
  {
    because: 'the pairs of the encryption context are condition keys of kms:Decrypt',
    source:
      'https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context',
    here: true,
    one: asked({
      action: 'kms:Decrypt',
      resource: KEY,
      context: { 'kms:encryptioncontext:team': 'red' },
      resourcePolicy: allow({
        Principal: '*',
        Condition: { StringEquals: { 'kms:EncryptionContext:team': 'red' } },
      }),
    }),
  },
  {
    because: 'wildcards match within every part of an ARN except the service',
    source: `${GUIDE}/reference_policies_elements_resource.html`,
    here: true,
    one: asked({
      action: 'kms:Decrypt',
      resource: KEY,
      resourcePolicy: allow({ Principal: '*', Resource: KEY.replace(':key', ':k?y') }),
    }),
  },
  {
    because: 'an ARN does not match a pattern with fewer parts, so that the negated operator is true',
    source: `${GUIDE}/reference_policies_elements_condition_operators.html#Conditions_ARN`,
    here: true,
    one: asked({
      identity: [allow({ Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:*:role/reader' } } })],
    }),
  },
  {
    because: 'a role has a trust policy, which must allow the caller even in its own account',
    source: `${GUIDE}/reference_policies_evaluation-logic_policy-eval-basics-cross-account.html`,
    here: false,
    one: asked({
      action: 'sts:AssumeRole',
      resource: `arn:aws:iam::${HOME}:role/writer`,
      identity: [allow({})],
    }),
  },
];

test.each(DIFFERENCES)('the other evaluator differs: $because', async ({ here, one }) => {
  expect([decideHere(one), await decideThere(one)]).toEqual([here, !here]);
});
