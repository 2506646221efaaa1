import { itemSizeBytes } from './item-size.ts';
import {
  isConditionFailure,
  isJson,
  keyAttributeNames,
  validationException,
  type EngineAnswer,
  type EngineCall,
  type Json,
} from './answer.ts';

export interface Transactions {
  /** Performs a TransactWriteItems. The caller must run no other operation on these tables until the promise resolves. */
  write(input: Json): Promise<EngineAnswer>;
}

const MAX_ITEMS = 100;
/** Maximum size in bytes of all items of a transaction together. */
const MAX_BYTES = 4 * 1024 ** 2;
/** How long DynamoDB remembers a client request token, in milliseconds. */
const TOKEN_LIFE_MS = 10 * 60_000;

/**
 * TransactWriteItems, which dynalite does not support. Performs all actions one after the other, and undoes them unless all succeed.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
export function createTransactions(call: EngineCall, now: () => number): Transactions {
  const done = new Map<string, { request: string; untilMs: number }>();
  return {
    async write(input) {
      const { ClientRequestToken: token, ...request } = input;
      const known = typeof token === 'string' ? done.get(token) : undefined;
      if (known !== undefined && known.untilMs > now()) {
        return known.request === canonical(request)
          ? ok()
          : transactionError('IdempotentParameterMismatchException', MISMATCH);
      }
      const answer = await writeAllOrNothing(call, request);
      if (answer.status === 200 && typeof token === 'string')
        done.set(token, { request: canonical(request), untilMs: now() + TOKEN_LIFE_MS });
      return answer;
    },
  };
}

const MISMATCH =
  'The request token used is the same as that of an earlier request, but the parameters are different.';

/** An action of a transaction, with the key of its item. */
interface Action {
  kind: 'Put' | 'Update' | 'Delete' | 'ConditionCheck';
  input: Json;
  tableName: string;
  key: Json;
}

async function writeAllOrNothing(call: EngineCall, input: Json): Promise<EngineAnswer> {
  const given: unknown = input.TransactItems;
  const entries = Array.isArray(given) ? given.filter(isJson) : [];
  if (entries.length < 1 || entries.length > MAX_ITEMS)
    return validationException(countMessage(entries.length));
  const actions: Action[] = [];
  for (const entry of entries) {
    const action = await actionOf(call, entry);
    if ('status' in action) return action;
    actions.push(action);
  }
  if (new Set(actions.map(identityOf)).size < actions.length)
    return validationException('Transaction request cannot include multiple operations on one item');
  const undo: (() => Promise<unknown>)[] = [];
  const answers: { answer: EngineAnswer; before: unknown }[] = [];
  let sizeBytes = 0;
  for (const action of actions) {
    const before = await itemAt(call, action);
    answers.push({ answer: await perform(call, action), before });
    sizeBytes += Math.max(itemSizeBytes(before), itemSizeBytes(await itemAt(call, action)));
    // A ConditionCheck is performed as an update, which may create the item. Therefore the update is undone immediately.
    const back = () => restore(call, action, before);
    if (action.kind === 'ConditionCheck') await back();
    else undo.push(back);
  }
  if (sizeBytes <= MAX_BYTES && answers.every(({ answer }) => answer.status === 200)) return ok();
  for (const back of undo.toReversed()) await back();
  if (sizeBytes > MAX_BYTES)
    return validationException('The aggregate size of the items in the transaction exceeds 4 MB');
  const whole = answers.find(({ answer }) => isOfWholeRequest(answer));
  return whole === undefined ? cancelled(actions, answers) : whole.answer;
}

async function actionOf(call: EngineCall, entry: Json): Promise<Action | EngineAnswer> {
  const [[kind, input] = [], ...others] = Object.entries(entry).filter(([, value]) => value !== undefined);
  if (others.length > 0 || !isKind(kind) || !isJson(input)) {
    return validationException(
      'TransactItems can only contain one of Check, Put, Update or Delete in each of its items',
    );
  }
  if (kind === 'ConditionCheck' && typeof input.ConditionExpression !== 'string')
    return validationException(
      "Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null",
    );
  const tableName = String(input.TableName);
  const described = await call('DescribeTable', { TableName: tableName });
  if (described.status !== 200) return described;
  const whole = kind === 'Put' ? input.Item : input.Key;
  const names = keyAttributeNames(described.body);
  const key = Object.fromEntries(names.map((name) => [name, isJson(whole) ? whole[name] : undefined]));
  return { kind, input, tableName, key };
}

const isKind = (kind: string | undefined): kind is Action['kind'] =>
  kind === 'Put' || kind === 'Update' || kind === 'Delete' || kind === 'ConditionCheck';

const identityOf = ({ tableName, key }: Action): string => canonical([tableName, key]);

async function itemAt(call: EngineCall, { tableName, key }: Action): Promise<unknown> {
  const { body } = await call('GetItem', { TableName: tableName, Key: key, ConsistentRead: true });
  return body.Item;
}

function perform(call: EngineCall, { kind, input }: Action): Promise<EngineAnswer> {
  const { ReturnValuesOnConditionCheckFailure: _told, ...plain } = input;
  switch (kind) {
    case 'Put':
      return call('PutItem', plain);
    case 'Delete':
      return call('DeleteItem', plain);
    case 'Update':
    case 'ConditionCheck':
      return call('UpdateItem', plain);
  }
}

function restore(call: EngineCall, { tableName, key }: Action, before: unknown): Promise<EngineAnswer> {
  return before === undefined
    ? call('DeleteItem', { TableName: tableName, Key: key })
    : call('PutItem', { TableName: tableName, Item: before });
}

/** True if the response is an error of the whole request. Errors of a single item only cancel the transaction. */
function isOfWholeRequest({ status, body }: EngineAnswer): boolean {
  if (status === 200 || isConditionFailure({ status, body })) return false;
  const message = String(body.message ?? body.Message);
  return !/incorrect data type|size has exceeded|document path|refers to an attribute/.test(message);
}

/** Returns the response for a cancelled transaction, with a cancellation reason for each item of the request. */
function cancelled(actions: Action[], answers: { answer: EngineAnswer; before: unknown }[]): EngineAnswer {
  const reasons = answers.map(({ answer: { status, body }, before }, index) => {
    if (status === 200) return { Code: 'None' };
    if (!isConditionFailure({ status, body })) return { Code: 'ValidationError', Message: body.message };
    const asked = actions[index]?.input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
    return {
      Code: 'ConditionalCheckFailed',
      Message: 'The conditional request failed',
      ...(asked && before !== undefined ? { Item: before } : {}),
    };
  });
  const codes = reasons.map(({ Code: code }) => code).join(', ');
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return {
    status: 400,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      // AWS spells this field `Message` here, but `message` in other exceptions.
      Message: message,
      CancellationReasons: reasons,
    },
  };
}

const countMessage = (count: number): string =>
  `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${
    count === 0 ? 'greater than or equal to 1' : `less than or equal to ${MAX_ITEMS}`
  }`;

const ok = (): EngineAnswer => ({ status: 200, body: {} });

const transactionError = (code: string, message: string): EngineAnswer => ({
  status: 400,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, Message: message },
});

/** Converts a value to text. Equal values give the same text, even if their members are in a different order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    isJson(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
