/**
 * Runs in DynamoDB. There is one item for the run, one for each open range and one for each file of differences. The counters of the
 * replicate function are in separate items (see `run-counts.ts`). Each step of a range is written in one transaction.
 */
import { BatchGetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Committed } from '../../listing/ledger.ts';
import type { Range } from '../../listing/range.ts';
import { prefixesOverlap } from '../../runs/compare/scope.ts';
import {
  type DifferenceFile,
  isAwakened,
  type OpenRange,
  type RangeCommit,
  type RunChanges,
  type RunRecord,
  type RunStore,
} from '../../runs/run-store.ts';
import { addCompared, isOver, NOTHING_COMPARED } from '../../runs/run.ts';
import { schemaField } from '../../model/schemas.ts';
import { translateError } from '../errors.ts';
import { copyCountersOf } from './copy-counters.ts';
import {
  activeKey,
  awakeKey,
  countKey,
  expiresSeconds,
  fileKey,
  listKey,
  rangeKey,
  runKey,
  SHARED,
} from './run-items.ts';
import { charge, forgetRate } from './run-rate.ts';
import { attributesOf, isKnownRun, openRangeOf, recordOf, rowsIn } from './run-records.ts';
import {
  type ActiveRuns,
  addToRun,
  changeOf,
  putActive,
  putAwake,
  putFile,
  putNew,
  putRange,
  release,
  stepOf,
} from './run-writes.ts';
import { askTable, getItem, type ItemTable, openTable, type TableItem } from './table.ts';
import { transact } from './transaction.ts';

/** Opens the table in `region`; null: the region of the environment. */
export const createRunStore = (name: string, region: string | null = null): RunStore => {
  const table = openTable(name, region, (error, operation) =>
    translateError(error, `${operation} in the table of runs`),
  );
  return {
    create: (run, first) => createRun(table, run, first),
    load: (id) => loadRun(table, id),
    progress: (id) => progressOf(table, id),
    async awake() {
      const items = await allItems(table, SHARED, awakeKey('').item);
      return items.map((item) => String(item['id']));
    },
    async rest(run) {
      // If the run was resumed in the meantime, its revision has changed, and the item stays.
      const key = awakeKey(run.id);
      await transact(table, [
        { Update: changeOf(table.name, run, {}, false) },
        { Delete: { TableName: table.name, Key: key } },
      ]);
    },
    list: (limit) => listRuns(table, limit),
    change: (run, changes, first) => changeRun(table, run, changes, first),
    openRanges: (run) => openRangesOf(table, run),
    async openRange(id, epoch, from) {
      const item = await getItem(table, rangeKey(id, epoch, from));
      return item === null ? null : openRangeOf(item);
    },
    wake: (id, epoch, range, nowMs) => wakeRange(table, rangeKey(id, epoch, range.from), range, nowMs),
    commit: (commit) => commitRange(table, commit),
    charge: (id, durationMs, nowMs) => charge(table, id, durationMs, nowMs),
    forgetRate: (id) => forgetRate(table, id),
    countSent: (id, hints) => countSent(table, id, hints),
    copied: async (id) => copyCountersOf(await allItems(table, id, 'count#')),
    files: (run, limit) => filesOf(table, run, limit),
  };
};

const allItems = async (table: ItemTable, run: string, begin: string): Promise<TableItem[]> => {
  const items: TableItem[] = [];
  for await (const item of queryItems(table, run, begin)) items.push(item);
  return items;
};

async function* queryItems(
  table: ItemTable,
  run: string,
  begin: string,
  { backwards = false } = {},
): AsyncGenerator<TableItem> {
  let from: TableItem | undefined;
  do {
    const command: QueryCommand = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: '#run = :run AND begins_with(#item, :begin)',
      ExpressionAttributeNames: { '#run': 'run', '#item': 'item' },
      ExpressionAttributeValues: { ':run': run, ':begin': begin },
      ConsistentRead: true,
      ScanIndexForward: !backwards,
      ExclusiveStartKey: from,
    });
    const { Items = [], LastEvaluatedKey } = await askTable(table, 'Query', () => table.client.send(command));
    yield* Items;
    from = LastEvaluatedKey;
  } while (from !== undefined);
}

const createRun = async (table: ItemTable, run: RunRecord, first: Range): ReturnType<RunStore['create']> => {
  const { prefix } = run.spec;
  const expires = expiresSeconds(run.createdMs);
  const attributes = { ...attributesOf(run), openRanges: 1, revision: run.revision, expires };
  for (;;) {
    const active = await activeRuns(table, run);
    const other = Object.entries(active.runs).find(([, each]) => prefixesOverlap(each.prefix, prefix));
    if (other !== undefined) return { kind: 'active', run: other[0] };
    const runs = { ...active.runs, [run.id]: { prefix, expires } };
    const reasons = await transact(table, [
      putActive(table.name, run, { ...active, runs }),
      putNew(table.name, { ...runKey(run.id), ...schemaField('run'), ...attributes }),
      putNew(table.name, { ...listKey(run.id), id: run.id, expires }),
      putAwake(table.name, run.id),
      putRange(table.name, run, first, { expires, movedMs: Date.now() }),
    ]);
    if (reasons === null) return { kind: 'created' };
    // Another run of the rule and destination began or ended at the same time, so the list is read again.
    if (reasons[0] === 'None') return { kind: 'active', run: run.id };
  }
};

/** Reads the active runs of a rule and destination. Leaves out runs that nobody ended, but whose items have expired. */
const activeRuns = async (table: ItemTable, { spec, createdMs }: RunRecord): Promise<ActiveRuns> => {
  const key = activeKey(spec);
  // This is a query, so that no run begins if the caller may not query the table. The schedule uses a query to find the runs, and
  // could not tend such a run.
  let item: TableItem | null = null;
  for await (const each of queryItems(table, SHARED, key.item)) if (each['item'] === key.item) item = each;
  if (item === null) return { runs: {}, revision: null };
  const { runs, revision } = item as unknown as ActiveRuns;
  const isKept = ([, { expires }]: [string, { expires: number }]): boolean => expires * 1_000 > createdMs;
  return { runs: Object.fromEntries(Object.entries(runs).filter(isKept)), revision };
};

const loadRun = async (table: ItemTable, id: string): Promise<RunRecord | null> => {
  const item = await getItem(table, runKey(id));
  return item === null ? null : recordOf(item);
};

const progressOf = async (table: ItemTable, id: string): Promise<RunRecord | null> => {
  const run = await loadRun(table, id);
  if (run === null || run.openRanges === 0) return run;
  const listing = run.work === 'checking' ? 'checked' : 'compared';
  const open = await openRangesOf(table, run);
  const sum = open.reduce((all, { counted }) => addCompared(all, counted), run[listing] ?? NOTHING_COMPARED);
  return { ...run, [listing]: sum };
};

/** Maximum keys of one BatchGetItem. */
const MAX_BATCH_KEYS = 100;

const listRuns = async (table: ItemTable, limit: number): Promise<RunRecord[]> => {
  const ids: string[] = [];
  for await (const item of queryItems(table, SHARED, listKey('').item, { backwards: true })) {
    if (ids.length >= limit) break;
    ids.push(String(item['id']));
  }
  const found: RunRecord[] = [];
  for (let start = 0; start < ids.length; start += MAX_BATCH_KEYS) {
    const Keys = ids.slice(start, start + MAX_BATCH_KEYS).map(runKey);
    const command = new BatchGetCommand({ RequestItems: { [table.name]: { Keys, ConsistentRead: true } } });
    const { Responses: answer } = await askTable(table, 'BatchGetItem', () => table.client.send(command));
    found.push(...(answer?.[table.name] ?? []).filter(isKnownRun).map(recordOf));
  }
  return found.toSorted((one, other) => (one.id < other.id ? 1 : -1));
};

const changeRun = async (
  table: ItemTable,
  run: RunRecord,
  changes: RunChanges,
  first: Range | undefined,
): Promise<boolean> => {
  const changed = { ...run, ...changes };
  const times = { expires: expiresSeconds(run.createdMs), movedMs: Date.now() };
  const isEnding = isOver(changed) && !isOver(run);
  const isReleased = isEnding && (await getItem(table, activeKey(run.spec))) !== null;
  const reasons = await transact(table, [
    { Update: changeOf(table.name, run, changes, first !== undefined) },
    ...(first === undefined ? [] : [putRange(table.name, changed, first, times)]),
    ...(isReleased ? [release(table.name, run)] : []),
    ...(isAwakened(run, changes) ? [putAwake(table.name, run.id)] : []),
  ]);
  return reasons === null;
};

const openRangesOf = async (table: ItemTable, { id, epoch }: RunRecord): Promise<OpenRange[]> => {
  const items = await allItems(table, id, rangeKey(id, epoch).item);
  return items.map(openRangeOf);
};

const wakeRange = async (table: ItemTable, Key: TableItem, range: Range, nowMs: number): Promise<void> => {
  await transact(table, [
    {
      Update: {
        TableName: table.name,
        Key,
        UpdateExpression: 'SET movedMs = :now ADD wakes :one',
        ConditionExpression: 'step = :step',
        ExpressionAttributeValues: { ':now': nowMs, ':step': range.step, ':one': 1 },
      },
    },
  ]);
};

/** Counts sent hints in an item of its own, because a write to the run's item could conflict with a transaction. */
const countSent = async (table: ItemTable, id: string, hints: number): Promise<void> => {
  const command = new UpdateCommand({
    TableName: table.name,
    Key: countKey(id, 'sent'),
    UpdateExpression: 'SET #expires = if_not_exists(#expires, :expires) ADD sent :hints',
    ExpressionAttributeNames: { '#expires': 'expires' },
    ExpressionAttributeValues: { ':hints': hints, ':expires': expiresSeconds(Date.now()) },
  });
  await askTable(table, 'UpdateItem', () => table.client.send(command));
};

const commitRange = async (table: ItemTable, commit: RangeCommit): Promise<Committed> => {
  for (;;) {
    const answer = await tryCommit(table, commit);
    if (answer !== 'again') return answer;
  }
};

/** Resolves to `again` when another range was committed at the same time. Then it is not clear whether this range is the last open one. */
const tryCommit = async (table: ItemTable, commit: RangeCommit): Promise<Committed | 'again'> => {
  const { after, children, epoch, nowMs } = commit;
  const added = children.length - (after === null ? 1 : 0);
  const run = added === 0 ? null : await loadRun(table, commit.run);
  if (added !== 0 && run?.epoch !== epoch) return 'superseded';
  const isLast = run !== null && run.openRanges + added === 0;
  const times = { expires: expiresSeconds(run?.createdMs ?? nowMs), movedMs: nowMs };
  const reasons = await transact(table, [
    stepOf(table.name, commit),
    ...children.map((child) => putRange(table.name, { id: commit.run, epoch }, child, times)),
    ...(commit.file === null ? [] : [putFile(table.name, commit, commit.file, times.expires)]),
    ...(run === null ? [] : [{ Update: addToRun(table.name, commit, added, isLast) }]),
  ]);
  if (reasons === null) return isLast ? 'ended' : 'committed';
  const isOnlyTheCount = reasons.slice(0, -1).every((code) => code === 'None');
  return run !== null && isOnlyTheCount ? 'again' : 'superseded';
};

const filesOf = async (
  table: ItemTable,
  { id, epoch }: RunRecord,
  limit: number,
): ReturnType<RunStore['files']> => {
  const files: DifferenceFile[] = [];
  let leftOut = 0;
  for await (const item of queryItems(table, id, fileKey(id, epoch).item)) {
    if (files.length < limit)
      files.push({
        key: String(item['key']),
        rows: Number(item['rows']),
        sha256: String(item['sha256'] ?? ''),
        first: rowsIn(item['first']),
      });
    else leftOut += 1;
  }
  return { files, leftOut };
};
