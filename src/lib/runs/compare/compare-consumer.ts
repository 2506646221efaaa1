/** Compares each page of the source's listing with the destination, and then counts, reports and sends the differences. */
import type { Hint } from '../../hint/hint.ts';
import { parseListedVersion } from '../../listing/comparison-state.ts';
import { unmapKey } from '../../listing/destination-key.ts';
import { createComparison } from '../../listing/comparison.ts';
import type { ComparedKeys, Difference } from '../../listing/difference.ts';
import type { ListedVersion, ListPage, Marker } from '../../listing/page.ts';
import type { Json } from '../../listing/range.ts';
import type { Consume } from '../../listing/stretch.ts';
import type { ReportRow } from '../report/report-data.ts';
import { type CompareCounters, NOTHING_COMPARED } from '../run.ts';
import { COUNTER_OF, type Reading } from './basis.ts';
import type { CloserLook } from './closer-look.ts';
import { compareListed } from './compare-listed.ts';
import { differenceHint, type ListingOfRun } from './difference-hint.ts';
import { judgeAll, type Judge } from './judge.ts';
import { looked, type Looked, type KeyFinding } from './looked.ts';
import { noting, runFilter } from './run-filter.ts';
import { createListedSides } from './sides.ts';

export interface CompareOptions extends ListingOfRun, Omit<Judge, 'sides'> {
  listDestination: ListPage<ListedVersion>;
  look: CloserLook;
  /** Which pairs are read on both sides. With `all`, equal listings prove nothing. */
  reading?: Reading;
  /** Sends hints. `sizes` has the approximate number of bytes to copy for each hint. */
  sendHints(hints: Hint[], sizes: number[]): Promise<void>;
  report(rows: ReportRow[]): Promise<void>;
}

export interface CompareConsumer {
  consume: Consume<ListedVersion>;
  /**
   * Returns the counters since the previous call. It must be called at a checkpoint or at the end of a stretch (see
   * `stretch.ts`).
   */
  taken(): CompareCounters;
}

interface ConsumerState {
  readonly options: CompareOptions;
  readonly judge: Judge;
  counted: CompareCounters;
}

export const createCompareConsumer = (options: CompareOptions): CompareConsumer => {
  const state: ConsumerState = {
    options,
    judge: {
      ...options,
      sides: createListedSides(options.scope.mapping),
      look: (key, how) => {
        state.counted.looks += 1;
        return options.look(key, how);
      },
    },
    counted: { ...NOTHING_COMPARED },
  };
  return {
    consume: consumerOf(state),
    taken() {
      const sum = state.counted;
      state.counted = { ...NOTHING_COMPARED };
      return sum;
    },
  };
};

/**
 * Makes a consumer of the comparison. If a stretch (see `stretch.ts`) ends between two versions of a key, the carried state also
 * contains the newest version of this key.
 */
const consumerOf = (state: ConsumerState): Consume<ListedVersion> => {
  const compare = comparisonOf(state);
  const { sides } = state.judge;
  const carryOf = (behind: Marker | null, comparison: Json): Json => {
    const newest = behind === null || behind.versionId === null ? null : sides.source(behind.key);
    return comparison === null ? null : { comparison, newest: newest === null ? null : { ...newest } };
  };
  return async (stretch, checkpoint) => {
    const carried = parseCarry(stretch.carry);
    if (carried.newest !== null) sides.sourceSeen(carried.newest);
    state.counted.sourcePages += 1;
    const comparison = await compare({ ...stretch, carry: carried.comparison }, async (progress) => {
      await checkpoint({ after: progress.after, carry: carryOf(progress.after, progress.carry) });
      sides.forget();
    });
    const carry = carryOf(stretch.through, comparison);
    sides.forget();
    return carry;
  };
};

const comparisonOf = (state: ConsumerState): Consume<ListedVersion> => {
  const { scope, spec, listDestination } = state.options;
  const { sides } = state.judge;
  const { suffix } = scope.rule.source;
  const filters = {
    source: runFilter(scope.rule, spec, { keyOf: (key) => key, passesShown: false }),
    destination: runFilter(scope.rule, spec, {
      keyOf: (key) => unmapKey(scope.mapping, key),
      passesShown: true,
    }),
  };
  return createComparison({
    mapping: scope.mapping,
    listDestination: (request) => {
      state.counted.destinationPages += 1;
      return listDestination(request);
    },
    wants: (key) => key.endsWith(suffix),
    filters: { ...filters, destination: noting(filters.destination, sides.replicaSeen) },
    compare: (one, other) => {
      const listed = compareListed(scope.destination, spec.attributes, one, other);
      const isRead = state.options.reading === 'all' && one.kind === 'object' && listed !== 'different';
      const verdict = isRead ? 'look' : listed;
      sides.paired(one, other, verdict === 'different' || verdict === 'look');
      return verdict;
    },
    onSource: (version) => {
      sides.sourceSeen(version);
      state.counted.versions += 1;
      state.counted.bytes += version.sizeBytes;
    },
    report: (compared) => act(state, compared),
  });
};

const act = async (state: ConsumerState, { differences, sameKeys }: ComparedKeys): Promise<void> => {
  const { options, judge, counted } = state;
  counted.keys += sameKeys;
  counted.same += sameKeys;
  // The listings of both sides have the same ETags.
  counted.byMd5 += sameKeys;
  const sinceMs = options.spec.since === null ? -Infinity : Date.parse(options.spec.since);
  const since = differences.filter(
    ({ key, kind }) => kind === 'extra' || judge.sides.changedMs(key) >= sinceMs,
  );
  const found = await judgeAll(judge, since);
  const rows: ReportRow[] = [];
  const hints: Hint[] = [];
  const sizes: number[] = [];
  for (const [index, difference] of since.entries())
    actOn(state, difference, found[index] ?? looked('same'), { rows, hints, sizes });
  if (hints.length > 0) await options.sendHints(hints, sizes);
  if (rows.length > 0) await options.report(rows);
};

const actOn = (
  { options, judge, counted }: ConsumerState,
  { key, sizeBytes }: Difference,
  { finding, basis, version, note, reason, isFaked }: Looked,
  { rows, hints, sizes }: { rows: ReportRow[]; hints: Hint[]; sizes: number[] },
): void => {
  countFinding(counted, finding);
  if (basis !== null) counted[COUNTER_OF[basis]] += 1;
  if (note !== null) {
    counted[note === 'lock-capped' ? 'locksCapped' : 'holdsKept'] += 1;
    rows.push({ ...judge.sides.row(key, note), reason });
  }
  if (finding === 'same' || finding === 'unwanted' || finding === 'kept') return;
  rows.push({ ...judge.sides.row(key, finding), reason });
  if (finding === 'presumed' || finding === 'left-out') return;
  if (options.listing === 'checked' || (finding === 'extra' && !options.spec.deleteExtra)) return;
  const newest = judge.sides.source(key);
  hints.push(differenceHint(options, { key, difference: finding, versionId: version, newest, isFaked }));
  sizes.push(finding === 'extra' || finding === 'attributes' ? 0 : sizeBytes);
  counted.hints += 1;
  if (finding !== 'extra') counted.hintBytes += sizeBytes;
};

const countFinding = (counted: CompareCounters, finding: KeyFinding): void => {
  if (finding === 'unwanted') return;
  counted[COUNTED_AS[finding]] += 1;
  if (finding !== 'extra' && finding !== 'left-out' && finding !== 'kept') counted.keys += 1;
};

const COUNTED_AS = {
  same: 'same',
  presumed: 'presumed',
  missing: 'missing',
  different: 'different',
  attributes: 'attributes',
  'history-shorter': 'historyShorter',
  extra: 'extra',
  'left-out': 'leftOut',
  kept: 'kept',
} as const satisfies Record<Exclude<KeyFinding, 'unwanted'>, keyof CompareCounters>;

interface Carry {
  comparison: Json;
  newest: ListedVersion | null;
}

const parseCarry = (carry: Json): Carry => {
  if (carry === null || typeof carry !== 'object' || Array.isArray(carry))
    return { comparison: null, newest: null };
  return {
    comparison: carry['comparison'] ?? null,
    newest: parseListedVersion(carry['newest'] ?? null) ?? null,
  };
};
