/** Runs and their ranges as items of the table, and back. */
import { parseRange } from '../../listing/range.ts';
import type { OpenRange, RangeCommit, RunChanges, RunRecord } from '../../runs/run-store.ts';
import { COMPARE_COUNTERS, type CompareCounters, NOTHING_COMPARED } from '../../runs/run.ts';

export type Item = Record<string, unknown>;

/** Attributes of the run's item. Counters are attributes of their own, because they are added to. */
export const attributesOf = ({ compared, checked, ...others }: RunChanges & Partial<RunRecord>): Item => {
  const { openRanges: _open, revision: _revision, ...plain } = others;
  return { ...plain, ...countersOf('compared', compared), ...countersOf('checked', checked) };
};

export const attributeOf = (listing: RangeCommit['listing'], name: string): string => `${listing}.${name}`;

const countersOf = (listing: RangeCommit['listing'], counters: CompareCounters | null | undefined): Item => {
  if (counters === undefined) return {};
  const begun = { [`${listing}Begun`]: counters !== null };
  if (counters === null) return begun;
  return {
    ...begun,
    ...Object.fromEntries(COMPARE_COUNTERS.map((name) => [attributeOf(listing, name), counters[name]])),
  };
};

const readCounters = (item: Item, listing: RangeCommit['listing']): CompareCounters | null => {
  if (item[`${listing}Begun`] !== true) return null;
  const counters = { ...NOTHING_COMPARED };
  for (const name of COMPARE_COUNTERS) counters[name] = Number(item[attributeOf(listing, name)] ?? 0);
  return counters;
};

/** What this adapter wrote, and nobody else. */
export const recordOf = (item: Item): RunRecord => {
  const names = Object.keys(item).filter(
    (name) => !/^(run|item|expires|(compared|checked)(\.|Begun).*)$/.test(name),
  );
  const plain = Object.fromEntries(names.map((name) => [name, item[name]])) as unknown as RunRecord;
  return { ...plain, compared: readCounters(item, 'compared'), checked: readCounters(item, 'checked') };
};

export const openRangeOf = (item: Item): OpenRange => {
  return {
    range: parseRange(String(item['range'])),
    counted: item['counted'] as CompareCounters,
    movedMs: Number(item['movedMs']),
  };
};
