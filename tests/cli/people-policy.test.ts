import { expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { COMMAND_ROWS, needsOf } from '../../src/stack/command-rows.ts';
import { deployerPolicy } from '../../src/stack/deployer-policy.ts';
import { policyOfNeeds } from '../../src/stack/people-policy.ts';
import { placesOf } from '../../src/stack/places.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { fileWith } from '../configuration/yaml.ts';
import { CONFIGURATIONS } from '../stack/ten-configurations.ts';
import { run } from './run.ts';

const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111';

interface Policy {
  Statement: { Sid: string; Action: string[]; Resource: string | string[]; Condition?: object }[];
}

const policyFor = async (...options: string[]): Promise<Policy> => {
  const { code, out, err } = await run(['config', 'policy', '--source-account', '111111111111', ...options]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
};

const grantsIn = ({ Statement }: Policy): string[] =>
  Statement.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => [Resource].flat().map((resource) => `${action} on ${resource}`)),
  );

test('every command has a row, which says what it asks of AWS', () => {
  expect(Object.keys(COMMAND_ROWS).toSorted()).toEqual(ALL_COMMANDS.map(({ name }) => name).toSorted());
});

test('the policies name the stack of the stage and region in this account, and no other resource', async () => {
  const policy = await policyFor('--operator', '--stage', 'test', '--region', 'eu-west-1');
  const foreign = grantsIn(policy).filter(
    (grant) =>
      !/:eu-west-1:111111111111:.*s3-replicator-test/.test(grant) &&
      !/:iam::111111111111:(role|policy)\/s3-replicator-test-/.test(grant),
  );
  expect(
    foreign.map((grant) => grant.replace(/ on arn:aws:s3:::acme-(documents|media)$/, ' on a source')),
  ).toEqual(expect.not.arrayContaining([expect.stringContaining('dynamodb')]));
  expect([...new Set(foreign.map((grant) => grant.split(' on ')[1]))].toSorted()).toEqual([
    '*',
    'arn:aws:lambda:eu-west-1:111111111111:event-source-mapping:*',
    'arn:aws:s3:::acme-documents',
    'arn:aws:s3:::acme-media',
  ]);
});

test('whoever only looks may do nothing else than an operator, and changes nothing', async () => {
  const [looking, operating] = [await policyFor('--read-only'), await policyFor('--operator')];
  expect(grantsIn(operating)).toEqual(expect.arrayContaining(grantsIn(looking)));
  // A message must be received to be read. Changing its visibility makes the message visible again.
  const changing = grantsIn(looking).filter(
    (grant) =>
      !/^\w+:(Get|List|Describe|Query|Scan|BatchGet|FilterLogEvents|ReceiveMessage|ChangeMessageVisibility)/.test(
        grant,
      ),
  );
  expect(changing).toEqual([]);
});

test('no policy of a person shows the private key of stamps', async () => {
  for (const person of ['--operator', '--read-only']) {
    const { Statement } = await policyFor(person);
    const table = Statement.filter(({ Resource }) => String(Resource).endsWith('-idempotency'));
    expect(table.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['circuits'] } },
      { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['arrivals*'] } },
    ]);
  }
});

test('with a key of the stack, people may use it through the services that store messages, items and variables, and nothing else of it', () => {
  const text = fileWith({ top: { stack: { kmsKeyArn: KEY } } });
  const configuration = parseConfiguration(text, { region: 'eu-west-1' });
  const ofKey = (person: 'operator' | 'read-only') =>
    policyOfNeeds(needsOf(person), configuration, '111111111111').Statement.filter(
      ({ Resource }) => Resource === KEY,
    );
  expect(ofKey('read-only')).toEqual([
    {
      Sid: 'StackKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: KEY,
      Condition: {
        StringEquals: {
          'kms:ViaService': [
            'dynamodb.eu-west-1.amazonaws.com',
            'lambda.eu-west-1.amazonaws.com',
            'sqs.eu-west-1.amazonaws.com',
          ],
        },
      },
    },
  ]);
  expect(ofKey('operator')[0]?.Action).toEqual([
    'kms:Decrypt',
    'kms:Encrypt',
    'kms:GenerateDataKey*',
    'kms:ReEncrypt*',
  ]);
  const plain = policyOfNeeds(needsOf('operator'), parseConfiguration(fileWith({})), '111111111111');
  expect(JSON.stringify(plain)).not.toContain('kms:');
});

test.each(Object.entries(CONFIGURATIONS))(
  'the policy of deployers knows each resource of the configuration %s, and fits into the policies of a role',
  (_name, { text, stage = 'prod' }) => {
    const configuration = parseConfiguration(text, { stage });
    const { Resources } = stackOf(configuration).resources;
    const policy = deployerPolicy(Resources, configuration, '111111111111');
    expect(JSON.stringify(policy).length).toBeLessThan(10_240);
  },
);

test('deployers may pass roles to Lambda alone, and with a boundary give no role a permission without it', () => {
  const boundary = 'arn:aws:iam::111111111111:policy/boundary';
  const configuration = parseConfiguration(fileWith({ top: { stack: { permissionsBoundary: boundary } } }));
  const { Statement } = deployerPolicy(
    stackOf(configuration).resources.Resources,
    configuration,
    '111111111111',
  );
  const conditions = (action: string) =>
    Statement.filter(({ Action }) => [Action].flat().includes(action)).map(({ Condition }) => Condition);
  const roles = Statement.filter(({ Action }) =>
    [Action].flat().some((action) => /iam:\w+Role/.test(action)),
  );
  expect(roles.map(({ Resource }) => Resource)).not.toContain('*');
  for (const action of [
    'iam:CreateRole',
    'iam:PutRolePolicy',
    'iam:AttachRolePolicy',
    'iam:PutRolePermissionsBoundary',
  ])
    expect(conditions(action)).toEqual([
      expect.objectContaining({ StringEquals: { 'iam:PermissionsBoundary': boundary } }),
    ]);
  for (const condition of conditions('iam:PassRole'))
    expect(condition).toEqual({ StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } });
});

test('a long name of a stack still covers the names that CloudFormation makes of it', () => {
  const configuration = parseConfiguration(
    fileWith({ top: { name: 'a-long-name-of-a-stack-with-more-than' } }),
  );
  const places = placesOf(configuration, '111111111111');
  expect(places['event rules']?.Resource).toMatch(/:rule\/a-long-name-of-a-stack-w\*$/);
  expect(places['stack bucket']?.Resource).toBe('arn:aws:s3:::a-long-name-of-a-stack-w*');
});

test('the policy of deployers at destinations is for one account', async () => {
  const policy = await policyFor('--deployer', '--destination', '222222222222');
  expect(policy.Statement.map(({ Sid }) => Sid)).toEqual(['Stack', 'AllRoles']);
  const withBucket = await policyFor('--deployer', '--destination', '222222222222', '--create-bucket');
  expect(withBucket.Statement.map(({ Sid }) => Sid)).toEqual(['Stack', 'AllRoles', 'StackBucket']);
  const refusals: [string[], string][] = [
    [['--deployer', '--destination', '333333333333'], 'there are stacks in 222222222222'],
    [['--destination', '222222222222'], '--destination needs --deployer'],
    [['--deployer', '--create-bucket'], '--create-bucket needs --destination'],
  ];
  for (const [options, message] of refusals)
    expect(await run(['config', 'policy', ...options])).toMatchObject({
      code: 2,
      err: expect.stringContaining(message),
    });
});

test('a policy is for one kind of people, and for all rules', async () => {
  expect(await run(['config', 'policy', '--operator', '--read-only'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('exclude each other'),
  });
  expect(await run(['config', 'policy', '--operator', '--rule', 'media'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--rule has no meaning'),
  });
});
