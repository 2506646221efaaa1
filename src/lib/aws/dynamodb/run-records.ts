/** Converts runs and their ranges to items of the table, and items back to runs and ranges. */
import type { ReportRow } from '../../runs/report/report-data.ts';
import { parseRange } from '../../listing/range.ts';
import type { OpenRange, RangeCommit, RunChanges, RunRecord } from '../../runs/run-store.ts';
import { COMPARE_COUNTERS, type CompareCounters, NOTHING_COMPARED } from '../../runs/run.ts';
import { assertKnown, newerThanKnown } from '../../model/schemas.ts';
import type { TableItem } from './table.ts';

/** The attributes of a run's item. Each counter is a separate attribute, because commits add to the counters. */
export const attributesOf = ({
  compared,
  checked,
  ...others
}: RunChanges & Partial<RunRecord>): TableItem => {
  const { openRanges: _open, revision: _revision, ...plain } = others;
  return { ...plain, ...countersOf('compared', compared), ...countersOf('checked', checked) };
};

export const attributeOf = (listing: RangeCommit['listing'], name: string): string => `${listing}.${name}`;

const countersOf = (
  listing: RangeCommit['listing'],
  counters: CompareCounters | null | undefined,
): TableItem => {
  if (counters === undefined) return {};
  const begun = { [`${listing}Begun`]: counters !== null };
  if (counters === null) return begun;
  return {
    ...begun,
    ...Object.fromEntries(COMPARE_COUNTERS.map((name) => [attributeOf(listing, name), counters[name]])),
  };
};

const readCounters = (item: TableItem, listing: RangeCommit['listing']): CompareCounters | null => {
  if (item[`${listing}Begun`] !== true) return null;
  const counters = { ...NOTHING_COMPARED };
  for (const name of COMPARE_COUNTERS) counters[name] = Number(item[attributeOf(listing, name)] ?? 0);
  return counters;
};

/** Reads the run from an item whose attributes {@link attributesOf} made. Throws `newer-release`. */
export const recordOf = (item: TableItem): RunRecord => {
  assertKnown('run', item['v']);
  const names = Object.keys(item).filter(
    (name) => !/^(run|item|v|expires|(compared|checked)(\.|Begun).*)$/.test(name),
  );
  const plain = Object.fromEntries(names.map((name) => [name, item[name]])) as unknown as RunRecord;
  // A run of an earlier release has no digests.
  return {
    ...plain,
    digests: plain.digests ?? null,
    compared: readCounters(item, 'compared'),
    checked: readCounters(item, 'checked'),
  };
};

/** Reads an open range from its item. Throws `newer-release`. */
export const openRangeOf = (item: TableItem): OpenRange => {
  assertKnown('range', item['v']);
  return {
    range: parseRange(String(item['range'])),
    // A range that an earlier release began lacks the newer counters.
    counted: { ...NOTHING_COMPARED, ...(item['counted'] as Partial<CompareCounters>) },
    movedMs: Number(item['movedMs']),
    wakes: Number(item['wakes'] ?? 0),
  };
};

/** Reads rows from the attribute that holds them as JSON. */
export const rowsIn = (attribute: unknown): ReportRow[] => {
  const rows: ReportRow[] = typeof attribute === 'string' ? JSON.parse(attribute) : [];
  return rows;
};

/** Returns false for the run of a newer release. */
export const isKnownRun = (item: TableItem): boolean => newerThanKnown('run', item['v']) === null;
