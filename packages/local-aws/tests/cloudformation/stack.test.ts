import { beforeEach, expect, test } from 'vitest';
import { createCloudFormation, type CloudFormation } from '../../src/cloudformation/cloudformation.ts';
import type { Provider } from '../../src/cloudformation/provider.ts';
import { StackError } from '../../src/cloudformation/stack.ts';

const NAME = { accountId: '111111111111', region: 'eu-west-1', stackName: 'stack' };

/**
 * The values of the existing resources, by physical id. If a resource has the property `Fail`, the operation
 * that it names fails. A change of the property `Name` replaces the resource.
 */
let things: Map<string, unknown>;
let calls: string[];
let cloudformation: CloudFormation;

const refuse = (properties: Record<string, unknown>, operation: string): void => {
  if (properties.Fail === operation) throw new Error(`no ${operation} today`);
};

const thing: Provider = {
  create: ({ logicalId }, properties) => {
    refuse(properties, 'create');
    const physicalId = `${logicalId}-${String(properties.Name ?? '')}`;
    calls.push(`create ${physicalId}`);
    things.set(physicalId, properties.Value);
    return { physicalId, attributes: { Arn: `arn:${physicalId}` } };
  },
  update: (context, physicalId, properties, oldProperties) => {
    refuse(properties, 'update');
    if (properties.Name !== oldProperties.Name) return thing.create(context, properties);
    calls.push(`update ${physicalId}`);
    things.set(physicalId, properties.Value);
    return { physicalId, attributes: { Arn: `arn:${physicalId}` } };
  },
  delete: (_context, physicalId, properties) => {
    refuse(properties, 'delete');
    calls.push(`delete ${physicalId}`);
    things.delete(physicalId);
  },
};

beforeEach(() => {
  things = new Map();
  calls = [];
  cloudformation = createCloudFormation({
    clock: Date,
    providers: { 'Test::Thing': thing },
    permit: () => undefined,
  });
});

const resource = (properties: object = {}, more: object = {}) => ({
  Type: 'Test::Thing',
  Properties: properties,
  ...more,
});
const deploy = (resources: object, more: object = {}) =>
  cloudformation.deploy({ ...NAME, template: JSON.stringify({ Resources: resources, ...more }) });
const status = () => cloudformation.describe(NAME)?.status;
const failure = (promise: Promise<unknown>): Promise<StackError> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: StackError) => error,
  );

test('a creation that fails deletes what it created, last first, and reports the reason', async () => {
  const error = await failure(
    deploy({
      A: resource(),
      B: resource({ Value: { Ref: 'A' } }),
      C: resource({ Fail: 'create' }, { DependsOn: 'B' }),
    }),
  );
  expect(error).toBeInstanceOf(StackError);
  expect(error.message).toContain('C (Test::Thing): CREATE_FAILED: no create today');
  expect(calls).toEqual(['create A-', 'create B-', 'delete B-', 'delete A-']);
  expect(status()).toBe('ROLLBACK_COMPLETE');
});

test('a creation that fails keeps resources with DeletionPolicy Retain, but not those with RetainExceptOnCreate', async () => {
  await failure(
    deploy({
      A: resource({}, { DeletionPolicy: 'Retain' }),
      B: resource({}, { DeletionPolicy: 'RetainExceptOnCreate' }),
      C: resource({ Fail: 'create' }),
    }),
  );
  expect([...things.keys()]).toEqual(['A-']);
});

test('creating resources in reversed order reveals a missing DependsOn', async () => {
  const Resources = { A: resource(), B: resource(), C: resource({ Value: { Ref: 'A' } }) };
  await cloudformation.deploy({ ...NAME, template: JSON.stringify({ Resources }), order: 'reversed' });
  expect(calls).toEqual(['create A-', 'create C-', 'create B-']);
});

test('a stack whose creation was rolled back must be deleted before it can be created again', async () => {
  await failure(deploy({ A: resource({ Fail: 'create' }) }));
  await expect(deploy({ A: resource() })).rejects.toThrow(/ROLLBACK_COMPLETE state and can not be updated/);
  await cloudformation.remove(NAME);
  await deploy({ A: resource() });
  expect(status()).toBe('CREATE_COMPLETE');
});

test('the creation of a stack records an event for every step', async () => {
  const stack = await deploy({ A: resource() });
  expect(stack.events.map((event) => `${event.logicalId} ${event.status}`)).toEqual([
    'stack CREATE_IN_PROGRESS',
    'A CREATE_IN_PROGRESS',
    'A CREATE_COMPLETE',
    'stack CREATE_COMPLETE',
  ]);
});

test('an update changes only what differs, creates new resources and then deletes old ones', async () => {
  await deploy({ Same: resource({ Value: 1 }), Changed: resource({ Value: 1 }), Gone: resource() });
  calls.length = 0;
  const stack = await deploy({
    Same: resource({ Value: 1 }),
    Changed: resource({ Value: 2 }),
    New: resource(),
  });
  expect(calls).toEqual(['update Changed-', 'create New-', 'delete Gone-']);
  expect([...stack.resources.keys()]).toEqual(['Same', 'Changed', 'New']);
  expect(status()).toBe('UPDATE_COMPLETE');
});

test('an update that replaces a resource updates those that refer to it and deletes the old one last', async () => {
  const user = resource({ Value: { 'Fn::GetAtt': ['A', 'Arn'] } });
  await deploy({ A: resource({ Name: 'old' }), User: user });
  calls.length = 0;
  await deploy({ A: resource({ Name: 'new' }), User: user });
  expect(calls).toEqual(['create A-new', 'update User-', 'delete A-old']);
  expect(things).toEqual(
    new Map([
      ['User-', 'arn:A-new'],
      ['A-new', undefined],
    ]),
  );
});

test('an update that fails restores everything as it was', async () => {
  const before = { Changed: resource({ Value: 1 }), Replaced: resource({ Name: 'old' }), Gone: resource() };
  await deploy(before, { Outputs: { Out: { Value: { Ref: 'Replaced' } } } });
  const error = await failure(
    deploy({
      Changed: resource({ Value: 2 }),
      Replaced: resource({ Name: 'new' }),
      New: resource(),
      Bad: resource({ Fail: 'create' }),
    }),
  );
  expect(error.message).toContain('Bad (Test::Thing): CREATE_FAILED');
  expect(things).toEqual(
    new Map([
      ['Changed-', 1],
      ['Replaced-old', undefined],
      ['Gone-', undefined],
    ]),
  );
  expect(status()).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(cloudformation.describe(NAME)?.outputs).toEqual({ Out: 'Replaced-old' });
  calls.length = 0;
  await deploy(before);
  expect(calls).toEqual([]);
});

test('an update succeeds although an old resource cannot be deleted', async () => {
  await deploy({ Stuck: resource({ Fail: 'delete' }) });
  await deploy({});
  expect(status()).toBe('UPDATE_COMPLETE');
  expect(cloudformation.describe(NAME)?.events.map((event) => event.status)).toContain('DELETE_FAILED');
});

test('an update with a broken template leaves the stack alone', async () => {
  await deploy({ A: resource() });
  await expect(deploy({ A: resource({ Value: { Ref: 'Nobody' } }) })).rejects.toThrow(/Unresolved resource/);
  expect(status()).toBe('CREATE_COMPLETE');
});

test('the deletion of a stack deletes in reverse order and keeps retained resources', async () => {
  await deploy({
    A: resource(),
    Kept: resource({}, { DeletionPolicy: 'Retain' }),
    B: resource({ Value: { Ref: 'A' } }),
  });
  calls.length = 0;
  await cloudformation.remove(NAME);
  expect(calls).toEqual(['delete B-', 'delete A-']);
  expect([...things.keys()]).toEqual(['Kept-']);
  expect(status()).toBe('DELETE_COMPLETE');
});

test('a deletion that fails reports the obstacle and can be retried', async () => {
  await deploy({ A: resource({ Fail: 'delete' }) });
  await expect(cloudformation.remove(NAME)).rejects.toThrow(
    /A \(Test::Thing\): DELETE_FAILED: no delete today/,
  );
  expect(status()).toBe('DELETE_FAILED');
});

test('the deletion of a stack whose exports another stack uses is refused', async () => {
  await deploy({ A: resource() }, { Outputs: { Out: { Value: 1, Export: { Name: 'shared' } } } });
  const user = { ...NAME, stackName: 'user' };
  const template = JSON.stringify({
    Resources: { U: resource({ Value: { 'Fn::ImportValue': 'shared' } }) },
  });
  await cloudformation.deploy({ ...user, template });
  expect(things.get('U-')).toBe('1');
  await expect(cloudformation.remove(NAME)).rejects.toThrow(
    'Export shared cannot be deleted as it is in use by user',
  );
  await cloudformation.remove(user);
  await cloudformation.remove(NAME);
});

test('deleting a stack that does not exist succeeds', async () => {
  await cloudformation.remove(NAME);
  expect(cloudformation.describe(NAME)).toBeNull();
});
