/** The writes that make up the transactions of the table of runs. `table` is the name of that table. */
import type { Range } from '../../listing/range.ts';
import type { DifferenceFile, RangeCommit, RunChanges, RunRecord } from '../../runs/run-store.ts';
import { COMPARE_COUNTERS, NOTHING_COMPARED } from '../../runs/run.ts';
import { schemaField, SCHEMAS } from '../../model/schemas.ts';
import { activeKey, awakeKey, fileKey, rangeKey, runKey } from './run-items.ts';
import { attributeOf, attributesOf } from './run-records.ts';
import type { TableItem } from './table.ts';
import type { Write } from './transaction.ts';

/** Creates the item. The write fails if the item exists already. */
export const putNew = (table: string, item: TableItem): Write => ({
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
  { expires, movedMs }: { expires: number; movedMs: number },
): Write =>
  putNew(table, {
    ...rangeKey(id, epoch, range.from),
    ...schemaField('range'),
    range: JSON.stringify(range),
    step: range.step,
    counted: NOTHING_COMPARED,
    movedMs,
    expires,
  });

export const putFile = (
  table: string,
  { run, epoch }: RangeCommit,
  { key, rows, sha256, first }: DifferenceFile,
  expires: number,
): Write => ({
  Put: {
    TableName: table,
    Item: { ...fileKey(run, epoch, key), key, rows, sha256, first: JSON.stringify(first), expires },
  },
});

/** Updates the range's item to the state after the step. If the step finished the range, deletes the item. */
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
      UpdateExpression:
        'SET v = :v, #range = :range, step = :step, counted = :counted, movedMs = :now, wakes = :none',
      ExpressionAttributeNames: { '#range': 'range' },
      ExpressionAttributeValues: {
        ':before': before.step,
        ':v': SCHEMAS.range,
        ':range': JSON.stringify(after),
        ':step': after.step,
        ':counted': counted,
        ':now': nowMs,
        ':none': 0,
      },
    },
  };
};

type Update = NonNullable<Write['Update']>;

/**
 * Adds `added`, which may be negative, to the run's count of open ranges. If the range is done, also adds the range's counters to the run's
 * counters. The write fails if the epoch has changed, or if the stored count of open ranges no longer agrees with `isLast`.
 */
export const addToRun = (table: string, commit: RangeCommit, added: number, isLast: boolean): Update => {
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

/** Changes the run's item, on condition that the item has not changed since `run` was read. */
export const changeOf = (
  table: string,
  run: RunRecord,
  changes: RunChanges,
  isNewListing: boolean,
): Update => {
  const attributes: TableItem = { ...attributesOf(changes), ...(isNewListing ? { openRanges: 1 } : {}) };
  const names: Record<string, string> = {};
  const values: TableItem = { ':revision': run.revision, ':one': 1 };
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

/** The runs of a rule and destination that are not over, as the item at {@link activeKey} lists them. */
export interface ActiveRuns {
  /** The runs by their id. `expires` is in seconds since the epoch. */
  runs: Record<string, { prefix: string; expires: number }>;
  /** Changes with each change of the item; null: there is no item yet. */
  revision: number | null;
}

/** Adds the run to the item at {@link activeKey}. The write fails if the item has changed since it was read. */
export const putActive = (table: string, run: RunRecord, { runs, revision }: ActiveRuns): Write => ({
  Put: {
    TableName: table,
    Item: { ...activeKey(run.spec), runs, revision: (revision ?? 0) + 1 },
    ConditionExpression: revision === null ? 'attribute_not_exists(revision)' : 'revision = :revision',
    ...(revision === null ? {} : { ExpressionAttributeValues: { ':revision': revision } }),
  },
});

/** Takes the run out of the item at {@link activeKey}, so that other runs over the same keys can begin. */
export const release = (table: string, run: RunRecord): Write => ({
  Update: {
    TableName: table,
    Key: activeKey(run.spec),
    UpdateExpression: 'REMOVE #runs.#id ADD revision :one',
    ConditionExpression: 'attribute_exists(#runs)',
    ExpressionAttributeNames: { '#runs': 'runs', '#id': run.id },
    ExpressionAttributeValues: { ':one': 1 },
  },
});

/** Makes the schedule look after the run. */
export const putAwake = (table: string, id: string): Write => ({
  Put: { TableName: table, Item: { ...awakeKey(id), id } },
});
