import { crc32 } from 'node:zlib';
import type { Clock } from '../core/clock.ts';
import { requestKeys, type AwsRequest, type AwsService } from '../core/request.ts';
import type { Json } from './answer.ts';
import { createTableResource } from './table-resource.ts';
import { createTableSpace, type TableSpace } from './table-space.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { Iam } from '../iam/iam.ts';
import type { ResourceProvider } from '../core/resource-provider.ts';

export interface DynamoDb extends AwsService {
  /** The resource type AWS::DynamoDB::Table. */
  tableResource: ResourceProvider;
  /** Returns the tables of an account and region. Their calls check no permissions. Intended for tests and the demo. */
  tables(accountId: string, region: string): TableSpace;
}

/** Creates the local DynamoDB. It checks permissions and passes calls to dynalite. Each account and region has its own tables. */
export function createDynamoDb({ iam, clock }: { iam: Iam; clock: Clock }): DynamoDb {
  const spaces = new Map<string, TableSpace>();
  const spaceOf = (accountId: string, region: string): TableSpace => {
    const key = `${accountId} ${region}`;
    const space = spaces.get(key) ?? createTableSpace(accountId, region, clock);
    spaces.set(key, space);
    return space;
  };
  const leadingKeysOf = createLeadingKeys(spaceOf);
  return {
    tables: spaceOf,
    tableResource: createTableResource(spaceOf),
    async handle(request, response) {
      const operation = operationOf(request);
      const input = await parseInput(request);
      const leadingKeys = await leadingKeysOf(request, operation, input);
      const { accountId, region } = authorize(iam, { request, leadingKeys }, operation, input);
      const { status, body } = await spaceOf(accountId, region).call(operation, input);
      const text = JSON.stringify(body);
      response.writeHead(status, {
        'Content-Type': 'application/x-amz-json-1.0',
        'Content-Length': Buffer.byteLength(text),
        'x-amz-crc32': crc32(text),
      });
      response.end(text);
    },
  };
}

interface Place {
  accountId: string;
  region: string;
}

const known = new Set(
  [
    'BatchGetItem BatchWriteItem CreateTable DeleteItem DeleteTable DescribeTable DescribeTimeToLive GetItem ListTables',
    'ListTagsOfResource PutItem Query Scan TagResource TransactWriteItems UntagResource UpdateItem UpdateTable UpdateTimeToLive',
  ].flatMap((line) => line.split(' ')),
);

function operationOf(request: AwsRequest): string {
  const target = request.headers['x-amz-target'];
  const [, operation] = /^DynamoDB_20120810\.(\w+)$/.exec(typeof target === 'string' ? target : '') ?? [];
  if (operation === undefined) throw new AwsError('UnknownOperationException', 'There is no X-Amz-Target.');
  if (!known.has(operation)) throw notSupported(`dynamodb:${operation}`);
  return operation;
}

async function parseInput(request: AwsRequest): Promise<Json> {
  const body = await readBody(request.body, 16 * 1024 * 1024);
  try {
    const input: Json = JSON.parse(body.toString());
    return input;
  } catch {
    throw new AwsError('SerializationException', 'The request body is not JSON.');
  }
}

/**
 * Checks the caller's permission for every table that the call names, and returns the account and region of the tables. The call may name
 * a table by its ARN, for example a table of another account. Replaces each ARN in `input` with the table's name.
 */
function authorize(
  iam: Iam,
  { request, leadingKeys }: { request: AwsRequest; leadingKeys: string[] },
  operation: string,
  input: Json,
): Place {
  const { caller } = request;
  if (caller.kind !== 'root' && caller.kind !== 'session') {
    throw new AwsError('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
  }
  const home = { accountId: caller.accountId, region: request.region };
  const questions = questionsOf(operation, input, home);
  for (const asked of questions) {
    const { resource } = asked;
    const question = { caller, ...asked };
    const decision = iam.decide({
      ...question,
      resourceAccountId: resource.split(':')[4] ?? home.accountId,
      secureTransport: request.secureTransport,
      context: { ...requestKeys(request), 'dynamodb:leadingkeys': leadingKeys },
    });
    if (!decision.allowed) {
      throw new AwsError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
    }
  }
  const [, , , region, accountId] = (questions[0]?.resource ?? '').split(':');
  usePlainNames(input);
  return questions.length > 0 && accountId ? { accountId, region: region ?? home.region } : home;
}

/** The operations on a single item. Only these have the condition key `dynamodb:LeadingKeys` in the local AWS. */
const ON_ONE_ITEM = new Set(['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem']);

/**
 * Creates a function that returns the values of the condition key `dynamodb:LeadingKeys` for a call. A call on a single item has one value,
 * the item's partition key. Any other call has none. The function remembers the name of each table's partition key.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function createLeadingKeys(spaceOf: DynamoDb['tables']) {
  const names = new Map<string, string>();
  return async (request: AwsRequest, operation: string, input: Json): Promise<string[]> => {
    if (!ON_ONE_ITEM.has(operation)) return [];
    const { accountId, region } = placeOfTable(request, input);
    const TableName = String(input.TableName).split('/').at(-1) ?? '';
    const table = `${accountId} ${region} ${TableName}`;
    const item = asJson(input.Key ?? input.Item);
    let name = names.get(table) ?? '';
    if (item[name] === undefined) {
      const { body } = await spaceOf(accountId, region).call('DescribeTable', { TableName });
      const schema: unknown = asJson(body.Table).KeySchema;
      const parts = Array.isArray(schema) ? schema.map((part: unknown) => asJson(part)) : [];
      name = String(parts.find((part) => part.KeyType === 'HASH')?.AttributeName);
      names.set(table, name);
    }
    const [value] = Object.values(asJson(item[name]));
    return value === undefined ? [] : [String(value)];
  };
}

/** Returns the account and region of the table that a call names. They come from the table's ARN, or else from the caller. */
function placeOfTable({ caller, region }: AwsRequest, input: Json): Place {
  const [, , , ofTable, accountId] = String(input.TableName).split(':');
  const own = 'accountId' in caller ? caller.accountId : '';
  return { accountId: accountId ?? own, region: ofTable ?? region };
}

/** Returns the permissions that a call needs. A transaction needs the permission of each of its actions. */
function questionsOf(operation: string, input: Json, home: Place): { action: string; resource: string }[] {
  if (operation !== 'TransactWriteItems') {
    const action = `dynamodb:${operation}`;
    return resourcesOf(operation, input, home).map((resource) => ({ action, resource }));
  }
  return transactItems(input).map(([kind, item]) => ({
    action: `dynamodb:${kind}Item`,
    resource: tableArn(item.TableName, home),
  }));
}

/**
 * Returns the items of a transaction, each with the kind of its action.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
function transactItems(input: Json): [kind: string, item: Json][] {
  const items: unknown[] = Array.isArray(input.TransactItems) ? input.TransactItems : [];
  return items.flatMap((item) =>
    Object.entries(asJson(item)).map(([kind, of]): [string, Json] => [kind, asJson(of)]),
  );
}

const tableArn = (table: unknown, { region, accountId }: Place): string =>
  String(table).startsWith('arn:')
    ? String(table)
    : `arn:aws:dynamodb:${region}:${accountId}:table/${String(table)}`;

function resourcesOf(operation: string, input: Json, home: Place): string[] {
  const arnOf = (table: unknown): string => tableArn(table, home);
  if (operation === 'ListTables') return [arnOf('*')];
  if (operation.startsWith('Batch')) return Object.keys(asJson(input.RequestItems)).map(arnOf);
  if (input.ResourceArn !== undefined) return [arnOf(input.ResourceArn)];
  const table = arnOf(input.TableName);
  return [input.IndexName === undefined ? table : `${table}/index/${String(input.IndexName)}`];
}

function usePlainNames(input: Json): void {
  const plain = (name: string): string => name.replace(/^arn:aws[\w-]*:dynamodb:[\w-]+:\d{12}:table\//, '');
  if (typeof input.TableName === 'string') input.TableName = plain(input.TableName);
  if (Array.isArray(input.TransactItems)) {
    const items: unknown[] = input.TransactItems;
    input.TransactItems = items.map((item) =>
      Object.fromEntries(
        Object.entries(asJson(item)).map(([kind, of]) => [
          kind,
          { ...asJson(of), TableName: plain(String(asJson(of).TableName)) },
        ]),
      ),
    );
  }
  if (input.RequestItems === undefined) return;
  const items = Object.entries(asJson(input.RequestItems)).map(
    ([name, item]) => [plain(name), item] as const,
  );
  input.RequestItems = Object.fromEntries(items);
}

function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
