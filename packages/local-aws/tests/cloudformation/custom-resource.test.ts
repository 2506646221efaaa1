import { afterEach, beforeEach, expect, test } from 'vitest';
import { functionRole, lambdaFunction, startAwsFixture, type AwsFixture, PATIENCE } from './aws-fixture.ts';

/**
 * Code of a function that provides custom resources. It prints those fields of its request that are the same
 * in every run. Then it sends the JSON in the property `Answer` as its response, or nothing if that JSON is
 * `null`. For deletions it uses the property `OnDelete` instead.
 */
const PROVIDER = `
  exports.handler = async (request) => {
    const { RequestType, PhysicalResourceId, ResourceProperties, OldResourceProperties } = request;
    process.stdout.write(JSON.stringify({ RequestType, PhysicalResourceId, Value: ResourceProperties.Value, Old: OldResourceProperties?.Value }) + '\\n');
    const said = RequestType === 'Delete' ? ResourceProperties.OnDelete : ResourceProperties.Answer;
    const answer = JSON.parse(said ?? '{}');
    if (answer === null) return;
    const { StackId, RequestId, LogicalResourceId } = request;
    const response = await fetch(request.ResponseURL, {
      method: 'PUT',
      body: JSON.stringify({ Status: 'SUCCESS', PhysicalResourceId: PhysicalResourceId ?? 'made', StackId, RequestId, LogicalResourceId, ...answer }),
    });
    if (!response.ok) throw new Error('the answer was refused: ' + response.status);
  };`;

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture();
  await fixture.artifact('provider', PROVIDER);
});
afterEach(() => fixture.close());

const custom = (properties: object, answer: unknown = {}, onDelete: unknown = {}): object => ({
  Type: 'Custom::Thing',
  Properties: {
    ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] },
    Answer: JSON.stringify(answer),
    OnDelete: JSON.stringify(onDelete),
    ...properties,
  },
});

const deploy = (thing: object | null, more: object = {}) =>
  fixture.deploy({
    Role: functionRole(),
    Provider: lambdaFunction('provider', { Timeout: 20 }),
    ...(thing && { Thing: thing }),
    ...more,
  });

/** Returns the printed requests. Each contains the type, physical id, value and old value. */
const requests = (): unknown[] =>
  fixture.lines
    .filter((line) => line.startsWith('{"RequestType"'))
    .map((line) => {
      const request = JSON.parse(line) as Record<string, string>;
      return [request.RequestType, request.PhysicalResourceId, request.Value, request.Old]
        .filter(Boolean)
        .join(' ');
    });

const thing = () => fixture.stack()?.resources.get('Thing');

test('a custom resource has the physical id and attributes that its function answers', async () => {
  const stack = await deploy(
    custom({ Value: 7 }, { PhysicalResourceId: 'thing-1', Data: { Colour: 'red' } }),
    {
      Queue: {
        Type: 'AWS::SQS::Queue',
        Properties: { QueueName: { 'Fn::Sub': '${Thing}-${Thing.Colour}' } },
      },
    },
  );
  expect(stack.resources.get('Queue')?.attributes.QueueName).toBe('thing-1-red');
  expect(requests()).toEqual(['Create 7']);
});

test('the function of a custom resource gets all scalars as strings', async () => {
  const printing = `exports.handler = async (request) => {
      process.stdout.write('properties ' + JSON.stringify(request.ResourceProperties.Deep) + '\\n');
      ${PROVIDER.slice(PROVIDER.indexOf('const { StackId'), PROVIDER.lastIndexOf('};')).replaceAll('PhysicalResourceId ??', '').replace('...answer', '')}
    }`;
  await fixture.artifact('provider', printing);
  await deploy(custom({ Deep: { flag: true, list: [1, 'a'] } }));
  expect(fixture.lines).toContain('properties {"flag":"true","list":["1","a"]}');
});

test('a custom resource is updated with old and new properties, and only if a property changed', async () => {
  await deploy(custom({ Value: 1 }));
  await deploy(custom({ Value: 1 }));
  await deploy(custom({ Value: 2 }));
  expect(requests()).toEqual(['Create 1', 'Update made 2 1']);
});

test('a custom resource that changes its physical id is replaced, and the old one is deleted in the clean-up', async () => {
  await deploy(custom({ Value: 1 }));
  await deploy(custom({ Value: 2 }, { PhysicalResourceId: 'other' }));
  expect(requests()).toEqual(['Create 1', 'Update made 2 1', 'Delete made 1']);
  expect(thing()?.physicalId).toBe('other');
});

test('a custom resource whose creation fails is deleted again, and the stack reports the reason', async () => {
  const failing = custom(
    { Value: 1 },
    { Status: 'FAILED', Reason: 'overlapping filter', PhysicalResourceId: 'half' },
  );
  await expect(deploy(failing)).rejects.toThrow(
    /Received response status \[FAILED\] from custom resource. Message returned: overlapping filter/,
  );
  expect(requests()).toEqual(['Create 1', 'Delete half 1']);
  expect(fixture.stack()?.status).toBe('ROLLBACK_COMPLETE');
});

test('a custom resource whose update fails is updated back to the old properties', async () => {
  await deploy(custom({ Value: 1 }));
  await expect(deploy(custom({ Value: 2 }, { Status: 'FAILED', Reason: 'no' }))).rejects.toThrow(
    /UPDATE_FAILED/,
  );
  expect(requests()).toEqual(['Create 1', 'Update made 2 1', 'Update made 1 2']);
  expect(fixture.stack()?.status).toBe('UPDATE_ROLLBACK_COMPLETE');
});

test('a custom resource that a failed update replaced is restored by another update, and the replacement is deleted', async () => {
  await deploy(custom({ Value: 1 }, { PhysicalResourceId: 'one' }));
  const bad = {
    Bad: { Type: 'AWS::SQS::Queue', DependsOn: 'Thing', Properties: { QueueName: 'not a name!' } },
  };
  await expect(deploy(custom({ Value: 2 }, { PhysicalResourceId: 'two' }), bad)).rejects.toThrow(/Bad/);
  expect(requests()).toEqual(['Create 1', 'Update one 2 1', 'Update two 1 2', 'Delete two 2']);
  expect(thing()?.physicalId).toBe('one');
});

test('a custom resource is deleted with its stack, before its function', async () => {
  await deploy(custom({ Value: 1 }));
  await fixture.remove();
  expect(requests()).toEqual(['Create 1', 'Delete made 1']);
  expect(fixture.aws.lambda.functionArns()).toEqual([]);
});

test('a custom resource whose deletion fails stops the deletion of the stack', async () => {
  await deploy(custom({ Value: 1 }, {}, { Status: 'FAILED', Reason: 'still used' }));
  await expect(fixture.remove()).rejects.toThrow(/Thing \(Custom::Thing\): DELETE_FAILED.*still used/);
  expect(fixture.stack()?.status).toBe('DELETE_FAILED');
});

test('a custom resource whose function never answers fails after its ServiceTimeout', async () => {
  const silent = custom({ Value: 1, ServiceTimeout: 1 }, null, {});
  await expect(deploy(silent)).rejects.toThrow(
    /did not receive a response from your custom resource within 1 seconds/,
  );
});

test.each([
  ['an empty physical id', { PhysicalResourceId: '' }, /Invalid PhysicalResourceId/],
  ['for another stack', { StackId: 'other' }, /StackId, RequestId or LogicalResourceId differ/],
  ['an unknown status', { Status: 'OK' }, /Invalid response object/],
  ['more than 4 KB', { Data: { Big: 'x'.repeat(5000) } }, /Response object is too long/],
])('a custom resource whose function answers %s fails', async (_what, answer, message) => {
  await expect(deploy(custom({ Value: 1 }, answer))).rejects.toThrow(message);
});

test('the response URL of a custom resource accepts one answer only', async () => {
  const twice = PROVIDER.replace(
    'if (!response.ok)',
    `const again = await fetch(request.ResponseURL, { method: 'PUT', body: '{}' });
      process.stdout.write('second answer: ' + again.status + '\\n');
      if (!response.ok)`,
  );
  await fixture.artifact('provider', twice);
  await deploy(custom({ Value: 1 }));
  await expect.poll(() => fixture.lines, PATIENCE).toContain('second answer: 403');
});

test('custom resources are created at the same time, unless DependsOn puts them into an order', async () => {
  const last = { ...custom({ Value: 3 }), DependsOn: ['Thing', 'Other'] };
  await deploy(custom({ Value: 1 }), { Last: last, Other: custom({ Value: 2 }) });
  const [provider = ''] = fixture.aws.lambda.functionArns();
  // CloudFormation receives a response before the invocation ends. Therefore the third invocation may overlap
  // with the first two.
  expect(fixture.aws.lambda.usage(provider).peakConcurrency).toBeGreaterThanOrEqual(2);
  expect(requests().at(-1)).toBe('Create 3');
});
