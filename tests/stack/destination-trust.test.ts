/** The trust of the roles in `destination/template.yml`, tested with the template deployed to the local AWS. */
import { readFile } from 'node:fs/promises';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { clientConfig, type Credentials, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { statementsOf } from './statements.ts';

const STACK = { accountId: '222222222222', region: 'us-east-1', stackName: 'destination' };
const ExternalId = 'acme-replication';

let text: string;
let aws: LocalAws;

beforeAll(async () => {
  text = await readFile('destination/template.yml', 'utf8');
});

beforeEach(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  return () => aws.stop();
});

const roleEnding = (ending: string) => ({
  'Fn::Join': [ending, { 'Fn::Split': ['-replicate|', { 'Fn::Sub': '${SourceRoleArn}|' }] }],
});

test.each([
  ['ReplicationRole', [{ Ref: 'SourceRoleArn' }, roleEnding('-batch')]],
  ['CompareRole', roleEnding('-backfill')],
])('the %s trusts only the functions that need it, and only with the external id', (role, trusted) => {
  const trust = parseTemplate(text).Resources[role]?.Properties['AssumeRolePolicyDocument'];
  const callers = { ArnEquals: { 'aws:PrincipalArn': trusted } };
  expect(statementsOf(trust)).toMatchObject([
    {
      Action: 'sts:AssumeRole',
      Condition: { ...callers, StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' } } },
    },
    // This action has no external id. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
    { Sid: 'SayWho', Action: 'sts:SetSourceIdentity', Condition: callers },
  ]);
});

/** Creates a role in the source account and returns the credentials of a session of that role. */
const sessionOf = async (roleArn: string): Promise<Credentials> => {
  const RoleName = roleArn.split('/').at(-1) ?? '';
  const lambda = { Service: 'lambda.amazonaws.com' };
  const statement = { Effect: 'Allow', Principal: lambda, Action: 'sts:AssumeRole' };
  const mayAssume = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' };
  const Properties = {
    RoleName,
    AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [statement] },
    Policies: [{ PolicyName: 'p', PolicyDocument: { Version: '2012-10-17', Statement: [mayAssume] } }],
  };
  const template = JSON.stringify({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties } } });
  const place = { accountId: '111111111111', region: 'us-east-1', stackName: RoleName };
  await aws.cloudformation.deploy({ ...place, template, parameters: {} });
  return aws.iam.createSession(roleArn, 'session', 3_600).credentials;
};

const assume = async (credentials: Credentials, RoleArn: string): Promise<void> => {
  const sts = new STSClient(clientConfig(aws, credentials));
  const request = { RoleArn, RoleSessionName: 'session', ExternalId };
  await sts.send(new AssumeRoleCommand(request));
};

test.each([
  's3-replicator-prod-us-east-1',
  'app-replicate-files-prod-us-east-1',
  'x-replicate-replicate-p-us-east-1',
])(
  'the destination roles trust only those roles of the stack %s whose job they are for, whatever the name of the stack contains',
  async (stack) => {
    const role = (ending: string): string => `arn:aws:iam::111111111111:role/${stack}${ending}`;
    const { outputs } = await aws.cloudformation.deploy({
      ...STACK,
      template: text,
      parameters: { SourceRoleArn: role('-replicate'), ExternalId, BucketName: 'acme-replica' },
    });
    const [writing, comparing] = [String(outputs['RoleArn']), String(outputs['CompareRoleArn'])];
    const lured = role('-replicate').replaceAll('-replicate', '-backfill');
    const jobs: Record<string, string[]> = {
      '-replicate': [writing],
      '-batch': [writing],
      '-backfill': [comparing],
      '-subscribe': [],
    };
    for (const [caller, own] of [
      ...Object.entries(jobs).map(([ending, roles]): [string, string[]] => [role(ending), roles]),
      ...(lured === role('-backfill') ? [] : [[lured, []] satisfies [string, string[]]]),
    ]) {
      const session = await sessionOf(caller);
      for (const assumed of [writing, comparing])
        expect([caller, assumed, await mayAssume(session, assumed)]).toEqual([
          caller,
          assumed,
          own.includes(assumed),
        ]);
    }
  },
);

const mayAssume = (session: Credentials, role: string): Promise<boolean> =>
  assume(session, role).then(
    () => true,
    () => false,
  );
