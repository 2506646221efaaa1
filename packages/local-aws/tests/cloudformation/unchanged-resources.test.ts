/** Resources that an update of a stack does not change. */
import {
  GetEventSourceMappingCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { expect, onTestFinished, test } from 'vitest';
import { clientConfig } from '../../src/start/client-config.ts';
import { ACCOUNT_ID, functionRole, lambdaFunction, REGION, startAwsFixture } from './aws-fixture.ts';

/** Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html */
test('a manual change of a mapping stays until the template changes properties of the mapping', async () => {
  const fixture = await startAwsFixture();
  onTestFinished(() => fixture.close());
  await fixture.artifact('code', `exports.handler = async () => 'one'`);
  const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
  const Action = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
  const stackWith = (MaximumConcurrency: number, more: object = {}) => ({
    Queue: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 60 } },
    Role: functionRole([{ Effect: 'Allow', Action, Resource: arn('Queue') }]),
    Fn: lambdaFunction('code', { Timeout: 30 }),
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: arn('Queue'),
        FunctionName: { Ref: 'Fn' },
        ScalingConfig: { MaximumConcurrency },
      },
    },
    ...more,
  });
  await fixture.deploy(stackWith(10));
  const lambda = new LambdaClient(
    clientConfig(fixture.aws, fixture.aws.root(ACCOUNT_ID), { region: REGION }),
  );
  const UUID = fixture.stack()?.resources.get('Mapping')?.physicalId ?? '';
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, ScalingConfig: { MaximumConcurrency: 5 } }));
  const maximum = async () =>
    (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).ScalingConfig?.MaximumConcurrency;
  await fixture.deploy(stackWith(10, { Other: { Type: 'AWS::SQS::Queue' } }));
  expect(await maximum()).toBe(5);
  await fixture.deploy(stackWith(20));
  expect(await maximum()).toBe(20);
  lambda.destroy();
});
