/**
 * Runs in DynamoDB. One item for the run, one for each open range, one for each file of differences; the counters of the replicate
 * function are in items of their own (see `run-counts.ts`). A step of a range is one transaction.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Committed } from '../../listing/ledger.ts';
import type { DifferenceFile, OpenRange, RangeCommit, RunRecord, RunStore } from '../../runs/run-store.ts';
import { prefixesOverlap } from '../../runs/compare/scope.ts';
import { addCompared, isOver, NOTHING_COMPARED } from '../../runs/run.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';
import { copyCountersOf } from './run-counts.ts';
import { activeKey, expiresSeconds, fileKey, listKey, rangeKey, runKey, SHARED } from './run-items.ts';
import { attributesOf, type Item, openRangeOf, recordOf } from './run-records.ts';
import { changeOf, countOf, put, putFile, putRange, release, stepOf, type Write } from './run-writes.ts';
import { isCancelled, reasonsOf, withoutConflicts } from './transaction.ts';

/** `region`: where it is not that of the environment. */
export const createRunStore = (table: string, region: string | null = null): RunStore => {
  const place = region === null ? {} : { region };
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ ...CONTROL_CLIENT, ...place }), {
    marshallOptions: { removeUndefinedValues: true },
  });

  const get = async (Key: Item): Promise<Item | null> => {
    const { Item: item } = await translated('GetItem', () =>
      client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true })),
    );
    return item ?? null;
  };

  const query = async function* (run: string, begin: string, backwards = false): AsyncGenerator<Item> {
    let from: Item | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await translated('Query', () =>
        client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: '#run = :run AND begins_with(#item, :begin)',
            ExpressionAttributeNames: { '#run': 'run', '#item': 'item' },
            ExpressionAttributeValues: { ':run': run, ':begin': begin },
            ConsistentRead: true,
            ScanIndexForward: !backwards,
            ExclusiveStartKey: from,
          }),
        ),
      );
      yield* Items;
      from = LastEvaluatedKey;
    } while (from !== undefined);
  };

  /** Null: done. Otherwise the reasons, in the order of the writes. */
  const transact = async (writes: Write[]): Promise<string[] | null> =>
    translated('TransactWriteItems', () =>
      withoutConflicts(async () => {
        try {
          await client.send(new TransactWriteCommand({ TransactItems: writes }));
          return null;
        } catch (error) {
          if (isCancelled(error)) return reasonsOf(error);
          throw error;
        }
      }),
    );

  const load = async (id: string): Promise<RunRecord | null> => {
    const item = await get(runKey(id));
    return item === null ? null : recordOf(item);
  };

  const openRanges = async (run: RunRecord): Promise<OpenRange[]> => {
    const ranges: OpenRange[] = [];
    for await (const item of query(run.id, rangeKey(run.id, run.epoch).item)) ranges.push(openRangeOf(item));
    return ranges;
  };

  return {
    load,
    openRanges,

    async create(run, first) {
      const { rule, destination, prefix } = run.spec;
      const active = activeKey(run.spec);
      for await (const item of query(SHARED, active.item.slice(0, active.item.lastIndexOf('/') + 1))) {
        if (prefixesOverlap(String(item['prefix']), prefix))
          return { kind: 'active', run: String(item['id']) };
      }
      const expires = expiresSeconds(run.createdMs);
      const reasons = await transact([
        put(table, { ...active, id: run.id, rule, destination, prefix }),
        put(table, {
          ...runKey(run.id),
          ...attributesOf(run),
          openRanges: 1,
          revision: run.revision,
          expires,
        }),
        put(table, { ...listKey(run.id), id: run.id, expires }),
        putRange(table, run, first, expires),
      ]);
      if (reasons === null) return { kind: 'created' };
      const other = await get(active);
      return { kind: 'active', run: String(other?.['id'] ?? 'unknown') };
    },

    async progress(id) {
      const run = await load(id);
      if (run === null || run.openRanges === 0) return run;
      const listing = run.work === 'checking' ? 'checked' : 'compared';
      const open = await openRanges(run);
      const sum = open.reduce(
        (all, { counted }) => addCompared(all, counted),
        run[listing] ?? NOTHING_COMPARED,
      );
      return { ...run, [listing]: sum };
    },

    async list(limit) {
      const ids: string[] = [];
      for await (const item of query(SHARED, listKey('').item, true)) {
        if (ids.length >= limit) break;
        ids.push(String(item['id']));
      }
      const found: RunRecord[] = [];
      for (let start = 0; start < ids.length; start += BATCH_GET) {
        const Keys = ids.slice(start, start + BATCH_GET).map(runKey);
        const { Responses: answer } = await translated('BatchGetItem', () =>
          client.send(new BatchGetCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } })),
        );
        found.push(...(answer?.[table] ?? []).map(recordOf));
      }
      return found.toSorted((one, other) => (one.id < other.id ? 1 : -1));
    },

    async change(run, changes, first) {
      const changed = { ...run, ...changes };
      const update = changeOf(table, run, changes, first !== undefined);
      const expires = expiresSeconds(run.createdMs);
      const reasons = await transact([
        { Update: update },
        ...(first === undefined ? [] : [putRange(table, changed, first, expires)]),
        ...(isOver(changed) && !isOver(run) ? [release(table, run)] : []),
      ]);
      return reasons === null;
    },

    async openRange(id, epoch, from) {
      const item = await get(rangeKey(id, epoch, from));
      return item === null ? null : openRangeOf(item);
    },

    async touch(id, epoch, range, nowMs) {
      await transact([
        {
          Update: {
            TableName: table,
            Key: rangeKey(id, epoch, range.from),
            UpdateExpression: 'SET movedMs = :now',
            ConditionExpression: 'step = :step',
            ExpressionAttributeValues: { ':now': nowMs, ':step': range.step },
          },
        },
      ]);
    },

    async commit(commit) {
      for (;;) {
        const answer = await tryCommit(commit);
        if (answer !== 'again') return answer;
      }
    },

    async copied(id) {
      const items: Item[] = [];
      for await (const item of query(id, 'count#')) items.push(item);
      return copyCountersOf(items);
    },

    async files(run, limit) {
      const files: DifferenceFile[] = [];
      let leftOut = 0;
      for await (const item of query(run.id, fileKey(run.id, run.epoch).item)) {
        if (files.length < limit) files.push({ key: String(item['key']), rows: Number(item['rows']) });
        else leftOut += 1;
      }
      return { files, leftOut };
    },
  };

  /** `again`: another range went ahead at the same time, so that it was not clear whether this was the last. */
  async function tryCommit(commit: RangeCommit): Promise<Committed | 'again'> {
    const { after, children } = commit;
    const added = children.length - (after === null ? 1 : 0);
    const run = added === 0 ? null : await load(commit.run);
    if (added !== 0 && run?.epoch !== commit.epoch) return 'superseded';
    const isLast = run !== null && run.openRanges + added === 0;
    const expires = expiresSeconds(run?.createdMs ?? commit.nowMs);
    const reasons = await transact([
      stepOf(table, commit),
      ...children.map((child) =>
        putRange(table, { id: commit.run, epoch: commit.epoch }, child, expires, commit.nowMs),
      ),
      ...(commit.file === null ? [] : [putFile(table, commit, commit.file, expires)]),
      ...(run === null ? [] : [{ Update: countOf(table, commit, added, isLast) }]),
    ]);
    if (reasons === null) return isLast ? 'ended' : 'committed';
    const isOnlyTheCount = reasons.slice(0, -1).every((code) => code === 'None');
    return run !== null && isOnlyTheCount ? 'again' : 'superseded';
  }
};

const BATCH_GET = 100;

const translated = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw translateError(error, `${operation} in the table of runs`);
  }
};
