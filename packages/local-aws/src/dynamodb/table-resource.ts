import type { CreatedResource, ResourcePlace, ResourceProvider } from '../core/resource-provider.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import type { TableSpace } from './table-space.ts';

type Properties = Record<string, unknown>;

/** AWS::DynamoDB::Table. `Ref` is the table's name. */
export function createTableResource(
  spaceOf: (accountId: string, region: string) => TableSpace,
): ResourceProvider {
  const call = async (place: ResourcePlace, operation: string, input: Properties): Promise<Properties> => {
    const { status, body } = await spaceOf(place.accountId, place.region).call(operation, input);
    if (status === 200) return body;
    const code = String(body.__type).replace(/^.*#/, '');
    throw new AwsError(code, String(body.message ?? code), { status });
  };
  return {
    async create(place, properties) {
      refuseUnknown(properties);
      const name = typeof properties.TableName === 'string' ? properties.TableName : place.generatedName;
      await call(place, 'CreateTable', { ...creationProperties(properties), TableName: name });
      await setTimeToLive(call, place, name, properties);
      return describe(place, name);
    },
    async update(place, physicalId, properties) {
      refuseUnknown(properties);
      const { TimeToLiveDescription: before } = await call(place, 'DescribeTimeToLive', {
        TableName: physicalId,
      });
      if (await needsReplacement(call, place, physicalId, properties)) {
        if (properties.TableName === physicalId) {
          throw new AwsError(
            'ValidationError',
            `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${physicalId} and update the stack again.`,
          );
        }
        return this.create(place, properties);
      }
      const enabled = nameOf(before);
      if (enabled !== undefined && enabled !== nameOf(properties.TimeToLiveSpecification)) {
        const off = { Enabled: false, AttributeName: enabled };
        await call(place, 'UpdateTimeToLive', { TableName: physicalId, TimeToLiveSpecification: off });
      }
      if (enabled !== nameOf(properties.TimeToLiveSpecification))
        await setTimeToLive(call, place, physicalId, properties);
      return describe(place, physicalId);
    },
    async delete(place, physicalId) {
      const { status, body } = await spaceOf(place.accountId, place.region).call('DeleteTable', {
        TableName: physicalId,
      });
      const isGone = status === 200 || String(body.__type).endsWith('#ResourceNotFoundException');
      if (!isGone) throw new AwsError(String(body.__type), String(body.message), { status });
    },
  };
}

type Call = (place: ResourcePlace, operation: string, input: Properties) => Promise<Properties>;

const passedOn = [
  'AttributeDefinitions',
  'KeySchema',
  'BillingMode',
  'ProvisionedThroughput',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
];

/** Accepted because they change nothing an application can see here. */
const ignored = [
  'TableName',
  'TimeToLiveSpecification',
  'PointInTimeRecoverySpecification',
  'SSESpecification',
  'Tags',
  'DeletionProtectionEnabled',
  'TableClass',
];

function refuseUnknown(properties: Properties): void {
  const unknown = Object.keys(properties).find((name) => !passedOn.includes(name) && !ignored.includes(name));
  if (unknown !== undefined) throw notSupported(`AWS::DynamoDB::Table ${unknown}`);
}

function creationProperties(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => passedOn.includes(name)));
}

async function setTimeToLive(
  call: Call,
  place: ResourcePlace,
  name: string,
  properties: Properties,
): Promise<void> {
  if (nameOf(properties.TimeToLiveSpecification) === undefined) return;
  const { TimeToLiveSpecification: specification } = properties;
  await call(place, 'UpdateTimeToLive', { TableName: name, TimeToLiveSpecification: specification });
}

/** Keys cannot be changed in place, and the table cannot be renamed. */
async function needsReplacement(
  call: Call,
  place: ResourcePlace,
  name: string,
  wanted: Properties,
): Promise<boolean> {
  if (typeof wanted.TableName === 'string' && wanted.TableName !== name) return true;
  const { Table: table } = await call(place, 'DescribeTable', { TableName: name });
  const current: unknown =
    typeof table === 'object' && table !== null && 'KeySchema' in table ? table.KeySchema : [];
  return JSON.stringify(sorted(current)) !== JSON.stringify(sorted(wanted.KeySchema));
}

function sorted(keySchema: unknown): string[] {
  return Array.isArray(keySchema)
    ? keySchema.map((key) => JSON.stringify(Object.entries(key).sort())).sort()
    : [];
}

/** The attribute of an enabled time-to-live specification or description. */
function nameOf(specification: unknown): string | undefined {
  if (typeof specification !== 'object' || specification === null || !('AttributeName' in specification))
    return undefined;
  if ('Enabled' in specification && String(specification.Enabled) !== 'true') return undefined;
  return String(specification.AttributeName);
}

function describe({ accountId, region }: ResourcePlace, name: string): CreatedResource {
  return { physicalId: name, attributes: { Arn: `arn:aws:dynamodb:${region}:${accountId}:table/${name}` } };
}
