/** What the transactions of the table of runs are made of. */
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Range } from '../../listing/range.ts';
import type { DifferenceFile, RangeCommit, RunChanges, RunRecord } from '../../runs/run-store.ts';
import { COMPARE_COUNTERS, NOTHING_COMPARED } from '../../runs/run.ts';
import { activeKey, fileKey, rangeKey, runKey } from './run-items.ts';
import { attributeOf, attributesOf, type Item } from './run-records.ts';

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

export const put = (table: string, item: Item): Write => ({
  Put: {
    TableName: table,
    Item: item,
    ConditionExpression: 'attribute_not_exists(#run)',
    ExpressionAttributeNames: { '#run': 'run' },
  },
});

export const putRange = (
  table: string,
  { id, epoch }: Pick<RunRecord, 'id' | 'epoch'>,
  range: Range,
  expires: number,
  movedMs = Date.now(),
): Write =>
  put(table, {
    ...rangeKey(id, epoch, range.from),
    range: JSON.stringify(range),
    step: range.step,
    counted: NOTHING_COMPARED,
    movedMs,
    expires,
  });

export const putFile = (
  table: string,
  { run, epoch }: RangeCommit,
  { key, rows }: DifferenceFile,
  expires: number,
): Write => ({ Put: { TableName: table, Item: { ...fileKey(run, epoch, key), key, rows, expires } } });

/** The range's own item: gone when nothing is left of it. */
export const stepOf = (table: string, { run, epoch, before, after, counted, nowMs }: RangeCommit): Write => {
  const common = {
    TableName: table,
    Key: rangeKey(run, epoch, before.from),
    ConditionExpression: 'step = :before',
  };
  if (after === null) return { Delete: { ...common, ExpressionAttributeValues: { ':before': before.step } } };
  return {
    Update: {
      ...common,
      UpdateExpression: 'SET #range = :range, step = :step, counted = :counted, movedMs = :now',
      ExpressionAttributeNames: { '#range': 'range' },
      ExpressionAttributeValues: {
        ':before': before.step,
        ':range': JSON.stringify(after),
        ':step': after.step,
        ':counted': counted,
        ':now': nowMs,
      },
    },
  };
};

type Update = NonNullable<Write['Update']>;

/** What the run's own item learns: how many ranges are open now, and what was counted in one that is done. */
export const countOf = (table: string, commit: RangeCommit, added: number, isLast: boolean): Update => {
  const { run, epoch, listing, after, counted } = commit;
  const names: Record<string, string> = {};
  const values: Record<string, number> = { ':added': added, ':epoch': epoch, ':others': -added };
  const additions = ['openRanges :added'];
  for (const [index, name] of (after === null ? COMPARE_COUNTERS : []).entries()) {
    names[`#c${index}`] = attributeOf(listing, name);
    values[`:c${index}`] = counted[name];
    additions.push(`#c${index} :c${index}`);
  }
  return {
    TableName: table,
    Key: runKey(run),
    UpdateExpression: `ADD ${additions.join(', ')}`,
    ConditionExpression: `epoch = :epoch AND openRanges ${isLast ? '=' : '>'} :others`,
    ...(Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}),
    ExpressionAttributeValues: values,
  };
};

export const changeOf = (
  table: string,
  run: RunRecord,
  changes: RunChanges,
  isNewListing: boolean,
): Update => {
  const attributes: Item = { ...attributesOf(changes), ...(isNewListing ? { openRanges: 1 } : {}) };
  const names: Record<string, string> = {};
  const values: Item = { ':revision': run.revision, ':one': 1 };
  const settings = Object.entries(attributes).map(([name, value], index) => {
    names[`#a${index}`] = name;
    values[`:a${index}`] = value;
    return `#a${index} = :a${index}`;
  });
  if (isNewListing) values[':none'] = 0;
  return {
    TableName: table,
    Key: runKey(run.id),
    UpdateExpression: `SET ${['revision = revision + :one', ...settings].join(', ')}`,
    ConditionExpression: `revision = :revision${isNewListing ? ' AND openRanges = :none' : ''}`,
    ...(settings.length > 0 ? { ExpressionAttributeNames: names } : {}),
    ExpressionAttributeValues: values,
  };
};

export const release = (table: string, run: RunRecord): Write => ({
  Delete: {
    TableName: table,
    Key: activeKey(run.spec),
    // Nobody else's.
    ConditionExpression: 'attribute_not_exists(id) OR id = :id',
    ExpressionAttributeValues: { ':id': run.id },
  },
});
