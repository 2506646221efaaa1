/**
 * The calls that CloudFormation makes in the name of the caller of a stack operation. CloudFormation has no permissions of its own, so the
 * caller needs the permissions for all these calls.
 *
 * Sources: `handlers` in the schemas of the resource types
 * (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html), without the calls for properties that a
 * resource does not have; and
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/fas-requests-and-permission-evaluation.html
 */
import type { ResourceContext } from './provider.ts';
import { type ChangedResource, changedProperties, type ResourceCall } from './changed-resource.ts';
import { CALLS_OF_TYPES, type CallsOfType, CUSTOM_RESOURCE, functionArn } from './calls-of-types.ts';
import { iamCalls } from './iam-calls.ts';

/** Returns the calls that a change of a resource requires; null for a type whose calls are not known. */
export const callsOf = (change: ChangedResource): ResourceCall[] | null => {
  const { resourceType } = change.place;
  const special = iamCalls(resourceType, change);
  if (special !== null) return special;
  const type = CALLS_OF_TYPES[resourceType.startsWith('Custom::') ? CUSTOM_RESOURCE : resourceType];
  if (type === undefined) return null;
  const resources = [resourceOf(type, change)].flat();
  return [
    ...actionsOf(type, change).flatMap((action) => resources.map((on) => callOn(action, on, change))),
    ...otherCalls(change),
  ];
};

const actionsOf = (type: CallsOfType, change: ChangedResource): string[] => {
  const { verb, tags } = change;
  const changed = changedProperties(change);
  const own: readonly string[] | undefined =
    verb === 'import' ? type.create.filter((action) => /:(?:Describe|Get|List)/.test(action)) : type[verb];
  const [add, remove] = type.tag ?? [];
  const all = [
    ...(verb === 'update' && changed.length === 0 ? [] : (own ?? [])),
    ...(verb === 'create' || verb === 'update' ? changed.flatMap((name) => type.ifSet?.[name] ?? []) : []),
    ...(verb === 'update' ? changed.flatMap((name) => type.ifChanged?.[name] ?? []) : []),
    ...(tags.adds && verb !== 'delete' && add !== undefined ? [add] : []),
    ...(tags.removes && verb === 'update' && remove !== undefined ? [remove] : []),
  ];
  return [...new Set(all)];
};

const resourceOf = (
  type: CallsOfType,
  { place, physicalId, properties }: ChangedResource,
): string | readonly string[] => {
  const given = type.nameProperty === undefined ? undefined : properties[type.nameProperty];
  return type.arn(place, physicalId ?? (typeof given === 'string' ? given : place.generatedName), properties);
};

const callOn = (action: string, resource: string, { properties, place }: ChangedResource): ResourceCall => ({
  action,
  resource: ANYWHERE.has(action) ? '*' : resource,
  context: action.endsWith('EventSourceMapping')
    ? { 'lambda:functionarn': functionArn(place, String(properties['FunctionName'])) }
    : {},
});

/**
 * Actions that need a permission on the resource `*`, because AWS does not restrict them to resources or CloudFormation calls them without
 * naming one.
 */
const ANYWHERE = new Set([
  'cloudwatch:DescribeAlarms',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
  'lambda:CreateEventSourceMapping',
  'logs:DescribeLogGroups',
]);

/**
 * Returns calls to other services. A function needs iam:PassRole for its role. Functions and tables need permissions for their KMS keys.
 */
const otherCalls = (change: ChangedResource): ResourceCall[] => {
  const { properties, verb, place } = change;
  if (verb === 'delete' || (verb === 'update' && changedProperties(change).length === 0)) return [];
  if (place.resourceType === 'AWS::Lambda::Function') {
    const context = { 'iam:passedtoservice': 'lambda.amazonaws.com' };
    return [
      { action: 'iam:PassRole', resource: String(properties['Role']), context },
      ...keyCalls(properties['KmsKeyArn'], 'lambda', place, [
        'CreateGrant',
        'Encrypt',
        'Decrypt',
        'GenerateDataKey',
      ]),
    ];
  }
  if (place.resourceType !== 'AWS::DynamoDB::Table') return [];
  const { KMSMasterKeyId: key } = Object(properties['SSESpecification']);
  return keyCalls(key, 'dynamodb', place, [
    'CreateGrant',
    'DescribeKey',
    'Encrypt',
    'Decrypt',
    'ReEncryptFrom',
    'GenerateDataKey',
  ]);
};

const keyCalls = (
  key: unknown,
  service: string,
  { region }: ResourceContext,
  operations: readonly string[],
): ResourceCall[] =>
  typeof key === 'string'
    ? operations.map((operation) => ({
        action: `kms:${operation}`,
        resource: key,
        context: { 'kms:viaservice': `${service}.${region}.amazonaws.com` },
      }))
    : [];
