import { setTimeout as sleep } from 'node:timers/promises';
import type { CreatedResource, ResourcePlace, ResourceProvider } from '../core/resource-provider.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import type { Json } from './answer.ts';
import type { TableSpace } from './table-space.ts';

/**
 * The resource type AWS::DynamoDB::Table. `Ref` returns the table's name. CreateTable and DeleteTable return before the table is
 * created or deleted. Like CloudFormation, this resource waits until a new table is active, or until a deleted table no longer exists.
 */
export function createTableResource(
  spaceOf: (accountId: string, region: string) => TableSpace,
): ResourceProvider {
  const tableAt = (place: ResourcePlace, name: string): Table => ({
    name,
    call: async (operation, input = {}) =>
      spaceOf(place.accountId, place.region).call(operation, { TableName: name, ...input }),
  });
  return {
    async create(place, properties) {
      refuseUnknown(properties);
      const name = typeof properties.TableName === 'string' ? properties.TableName : place.generatedName;
      const table = tableAt(place, name);
      await succeed(table, 'CreateTable', creationProperties(properties));
      await enableTimeToLive(table, properties);
      await untilActive(table);
      return describeTable(place, name);
    },
    async update(place, physicalId, properties) {
      refuseUnknown(properties);
      const table = tableAt(place, physicalId);
      if (await needsReplacement(table, properties)) {
        if (properties.TableName === physicalId) throw customNameInTheWay(physicalId);
        return this.create(place, properties);
      }
      await changeTimeToLive(table, properties);
      await changeProtection(table, properties);
      await untilActive(table);
      return describeTable(place, physicalId);
    },
    async adopt(place, { TableName: name = '' }) {
      await succeed(tableAt(place, name), 'DescribeTable');
      return describeTable(place, name);
    },
    async delete(place, physicalId) {
      const table = tableAt(place, physicalId);
      const { status, body } = await table.call('DeleteTable');
      if (status !== 200 && !isNotFound(body)) {
        throw new AwsError(String(body.__type), String(body.message), { status });
      }
      await untilGone(table);
    },
  };
}

/** The name of a table, which need not exist, and how to call DynamoDB for it. */
interface Table {
  name: string;
  call(operation: string, input?: Json): ReturnType<TableSpace['call']>;
}

/**
 * Performs an operation on a table and returns the response.
 * @throws AwsError with the error code of DynamoDB, if the operation fails
 */
async function succeed(table: Table, operation: string, input?: Json): Promise<Json> {
  const { status, body } = await table.call(operation, input);
  if (status === 200) return body;
  const code = String(body.__type).replace(/^.*#/, '');
  throw new AwsError(code, String(body.message ?? code), { status });
}

const passedOn = [
  'AttributeDefinitions',
  'KeySchema',
  'BillingMode',
  'ProvisionedThroughput',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
  'DeletionProtectionEnabled',
];

/** Properties that are not passed to CreateTable. This file handles some of them; the others have no effect in the local AWS. */
const ignored = [
  'TableName',
  'TimeToLiveSpecification',
  'PointInTimeRecoverySpecification',
  'SSESpecification',
  'Tags',
  'TableClass',
];

function refuseUnknown(properties: Json): void {
  const unknown = Object.keys(properties).find((name) => !passedOn.includes(name) && !ignored.includes(name));
  if (unknown !== undefined) throw notSupported(`AWS::DynamoDB::Table ${unknown}`);
}

function creationProperties(properties: Json): Json {
  const given = Object.entries(properties).filter(([name]) => passedOn.includes(name));
  return { ...Object.fromEntries(given), ...protectionOf(properties) };
}

/** Returns the parameter of CreateTable and UpdateTable. Templates may write the boolean as a string. */
const protectionOf = ({ DeletionProtectionEnabled: wanted }: Json): Json =>
  wanted === undefined ? {} : { DeletionProtectionEnabled: String(wanted) === 'true' };

/** Changes the deletion protection, unless the template does not mention it. */
async function changeProtection(table: Table, properties: Json): Promise<void> {
  const wanted = protectionOf(properties);
  if (Object.keys(wanted).length > 0) await succeed(table, 'UpdateTable', wanted);
}

async function enableTimeToLive(table: Table, properties: Json): Promise<void> {
  const { TimeToLiveSpecification: specification } = properties;
  if (timeToLiveAttribute(specification) === undefined) return;
  await succeed(table, 'UpdateTimeToLive', { TimeToLiveSpecification: specification });
}

/**
 * Changes the time-to-live attribute. If another attribute is enabled, first disables time to live for it, because DynamoDB rejects a
 * second attribute.
 */
async function changeTimeToLive(table: Table, properties: Json): Promise<void> {
  const { TimeToLiveDescription: before } = await succeed(table, 'DescribeTimeToLive');
  const enabled = timeToLiveAttribute(before);
  if (enabled === timeToLiveAttribute(properties.TimeToLiveSpecification)) return;
  if (enabled !== undefined) {
    const off = { Enabled: false, AttributeName: enabled };
    await succeed(table, 'UpdateTimeToLive', { TimeToLiveSpecification: off });
  }
  await enableTimeToLive(table, properties);
}

/** Returns the attribute of an enabled time-to-live specification or description. */
function timeToLiveAttribute(specification: unknown): string | undefined {
  if (typeof specification !== 'object' || specification === null || !('AttributeName' in specification))
    return undefined;
  if ('Enabled' in specification && String(specification.Enabled) !== 'true') return undefined;
  return String(specification.AttributeName);
}

/** True if the table's name or key schema differs. DynamoDB cannot change them, so the table must be replaced. */
async function needsReplacement(table: Table, wanted: Json): Promise<boolean> {
  if (typeof wanted.TableName === 'string' && wanted.TableName !== table.name) return true;
  const { Table: described } = await succeed(table, 'DescribeTable');
  const current: unknown =
    typeof described === 'object' && described !== null && 'KeySchema' in described
      ? described.KeySchema
      : [];
  return JSON.stringify(sortedKeys(current)) !== JSON.stringify(sortedKeys(wanted.KeySchema));
}

function sortedKeys(keySchema: unknown): string[] {
  return Array.isArray(keySchema)
    ? keySchema.map((key) => JSON.stringify(Object.entries(key).sort())).sort()
    : [];
}

const customNameInTheWay = (name: string): AwsError =>
  new AwsError(
    'ValidationError',
    `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${name} and update the stack again.`,
  );

async function untilActive(table: Table): Promise<void> {
  for (;;) {
    const { status, body } = await table.call('DescribeTable');
    if (status !== 200) throw new Error(`table ${table.name} no longer exists`);
    if (JSON.stringify(body.Table).includes('"TableStatus":"ACTIVE"')) return;
    await sleep(1);
  }
}

async function untilGone(table: Table): Promise<void> {
  while ((await table.call('DescribeTable')).status === 200) await sleep(1);
}

const isNotFound = (body: Json): boolean => String(body.__type).endsWith('#ResourceNotFoundException');

function describeTable({ accountId, region }: ResourcePlace, name: string): CreatedResource {
  return { physicalId: name, attributes: { Arn: `arn:aws:dynamodb:${region}:${accountId}:table/${name}` } };
}
