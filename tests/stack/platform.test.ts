import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { fileWith, problemsOf } from '../configuration/yaml.ts';
import type { Template } from './packaging.ts';
import { ofType, resource } from './statements.ts';
import { PLATFORM } from './ten-configurations.ts';

const region = 'eu-west-1';
const stackWith = (stack: object) => {
  const text = fileWith({ top: { region, stack } });
  return JSON.parse(JSON.stringify(stackOf(parseConfiguration(text))));
};
const templateWith = (stack: object): Template => stackWith(stack).resources;
const propertiesOf = (template: Template, type: string) =>
  ofType(template, type).map(([, { Properties }]) => Properties);

test('every role of the stack has the permissions boundary and the path', () => {
  const { permissionsBoundary, rolePath } = PLATFORM;
  const roles = propertiesOf(templateWith({ permissionsBoundary, rolePath }), 'AWS::IAM::Role');
  expect(roles.length).toBeGreaterThanOrEqual(5);
  for (const role of roles)
    expect(role).toMatchObject({ Path: rolePath, PermissionsBoundary: permissionsBoundary });
});

test('every queue, topic and table is encrypted with the key of the stack, and every role of a function may use it', () => {
  const { kmsKeyArn } = PLATFORM;
  const template = templateWith({ kmsKeyArn });
  for (const queue of propertiesOf(template, 'AWS::SQS::Queue'))
    expect(queue).toMatchObject({ KmsMasterKeyId: kmsKeyArn, SqsManagedSseEnabled: false });
  for (const topic of propertiesOf(template, 'AWS::SNS::Topic'))
    expect(topic).toMatchObject({ KmsMasterKeyId: kmsKeyArn });
  for (const table of propertiesOf(template, 'AWS::DynamoDB::Table'))
    expect(table).toMatchObject({ SSESpecification: { SSEType: 'KMS', KMSMasterKeyId: kmsKeyArn } });
  const users = ofType(template, 'AWS::IAM::Role').filter(([, role]) =>
    JSON.stringify(role).includes(kmsKeyArn),
  );
  expect(users.map(([id]) => id)).toEqual(['ReplicateRole', 'SubscribeRole', 'BackfillRole', 'BatchRole']);
});

test('with an existing topic the stack has no topic of its own, and alarms and lost subscriptions are published there', () => {
  const { alarms } = PLATFORM;
  const { resources, subscribeEnvironment } = stackWith({ alarms });
  expect(resources.Resources).not.toHaveProperty('AlarmTopic');
  expect(JSON.stringify(resources)).not.toContain('"AlarmTopic"');
  for (const alarm of propertiesOf(resources, 'AWS::CloudWatch::Alarm'))
    expect(alarm).toMatchObject({ AlarmActions: [alarms.topicArn], OKActions: [alarms.topicArn] });
  expect(subscribeEnvironment).toMatchObject({ ALARM_TOPIC_ARN: alarms.topicArn });
  expect(resource(resources, 'SubscribeRole')).toEqual(
    expect.objectContaining({ Properties: expect.objectContaining({ RoleName: expect.any(String) }) }),
  );
  expect(JSON.stringify(resource(resources, 'SubscribeRole'))).toContain(alarms.topicArn);
});

test('functions in a network may join it, while their code may not', () => {
  const policies = JSON.stringify(resource(templateWith({ vpc: PLATFORM.vpc }), 'BackfillRole'));
  expect(policies).toContain('"Sid":"Network","Effect":"Allow","Action":["ec2:AssignPrivateIpAddresses"');
  expect(policies).toContain('"Sid":"NotByCode","Effect":"Deny"');
  expect(policies).toContain(':function:s3-replicator-prod-*');
});

test('the options that the framework knows are passed on, and absent ones leave its defaults', () => {
  expect(stackWith(PLATFORM).platform).toEqual({
    iam: { role: { path: PLATFORM.rolePath, permissionsBoundary: PLATFORM.permissionsBoundary } },
    vpc: PLATFORM.vpc,
    kmsKeyArn: PLATFORM.kmsKeyArn,
    deploymentBucket: { name: 'acme-artifacts' },
  });
  expect(stackWith({}).platform).toEqual({
    iam: { role: { path: '/' } },
    vpc: null,
    kmsKeyArn: null,
    deploymentBucket: { blockPublicAccess: true, serverSideEncryption: 'AES256' },
  });
});

test('one subnet, and a destination in another region than the network, are warnings', () => {
  const warnings = (vpc: object) =>
    parseConfiguration(fileWith({ top: { region, stack: { vpc, alarms: PLATFORM.alarms } } }))
      .warnings.filter(({ path }) => path.startsWith('stack.vpc'))
      .map(({ found }) => found);
  const { vpc } = PLATFORM;
  expect(warnings(vpc)).toEqual(['a network, and destinations in us-east-1']);
  expect(warnings({ ...vpc, subnetIds: ['subnet-0a1b2c3d'] })).toEqual([
    'one subnet, which is in one Availability Zone',
    'a network, and destinations in us-east-1',
  ]);
});

const WRONG: [string, object, string, string][] = [
  [
    'a key of another region',
    { kmsKeyArn: PLATFORM.kmsKeyArn.replace(region, 'us-east-1') },
    'stack.kmsKeyArn',
    'which is in us-east-1',
  ],
  [
    'an alias',
    { kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:alias/stack' },
    'stack.kmsKeyArn',
    'alias/stack',
  ],
  [
    'a policy of another partition',
    { permissionsBoundary: 'arn:aws-cn:iam::111111111111:policy/b' },
    'stack.permissionsBoundary',
    'partition aws-cn',
  ],
  [
    'a role as boundary',
    { permissionsBoundary: 'arn:aws:iam::111111111111:role/b' },
    'stack.permissionsBoundary',
    ':role/b',
  ],
  ['a path without its last slash', { rolePath: '/platform' }, 'stack.rolePath', '/platform'],
  [
    'a topic of another region',
    { alarms: { topicArn: 'arn:aws:sns:us-east-1:111111111111:t' } },
    'stack.alarms.topicArn',
    'which is in us-east-1',
  ],
  [
    'a FIFO topic',
    { alarms: { topicArn: 'arn:aws:sns:eu-west-1:111111111111:t.fifo' } },
    'stack.alarms.topicArn',
    't.fifo',
  ],
  [
    'an address beside a topic',
    { alarms: { ...PLATFORM.alarms, email: 'ops@example.com' } },
    'stack.alarms.email',
    'an address beside an existing topic',
  ],
  [
    'a network without security groups',
    { vpc: { subnetIds: PLATFORM.vpc.subnetIds } },
    'stack.vpc.securityGroupIds',
    'nothing',
  ],
  [
    'a subnet twice',
    { vpc: { ...PLATFORM.vpc, subnetIds: ['subnet-0a1b2c3d', 'subnet-0a1b2c3d'] } },
    'stack.vpc.subnetIds[1]',
    'for a second time',
  ],
  [
    'a wrong subnet',
    { vpc: { ...PLATFORM.vpc, subnetIds: ['vpc-0a1b2c3d'] } },
    'stack.vpc.subnetIds[0]',
    'vpc-0a1b2c3d',
  ],
];

test.each(WRONG)('%s is an error at its line', (_, stack, path, found) => {
  const problems = problemsOf(fileWith({ top: { region, stack } }));
  expect(problems).toEqual([expect.objectContaining({ path, found: expect.stringContaining(found) })]);
});
