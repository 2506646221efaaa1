/** What a run does with each page of the source's listing: compares it with the destination, and acts on what differs. */
import { mapConcurrently } from '../../model/concurrency.ts';
import { asksForTags, sizeIsWanted } from '../../model/filter.ts';
import { type Hint, REPAIR } from '../../hint/hint.ts';
import { parseListedVersion } from '../../listing/comparison-state.ts';
import { createComparison, type Difference, type Findings } from '../../listing/comparison.ts';
import type { ListedVersion, ListPage, Marker } from '../../listing/page.ts';
import type { Checkpoint, Stretch } from '../../listing/range-work.ts';
import type { Json } from '../../listing/range.ts';
import { type CreateSieve, type Sieve, sieveOf } from '../../listing/counted-entries.ts';
import { type CloserLook, type Finding, looked, type Looked } from './closer-look.ts';
import { compareListed } from './compare-listed.ts';
import { createMarkerRuns } from '../../listing/marker-runs.ts';
import type { DifferenceKind, ReportRow } from '../report/report-data.ts';
import type { Scope } from './scope.ts';
import { createSides } from './sides.ts';
import { type CompareCounters, NOTHING_COMPARED, type RunSpec } from '../run.ts';

export interface CompareOptions {
  run: string;
  epoch: number;
  spec: RunSpec;
  scope: Scope;
  /** Whether this is the first look, after which hints are sent, or the last one, which is the proof. */
  listing: 'compared' | 'checked';
  /** When the run was begun: what changed later may be under way still. Milliseconds since the epoch. */
  createdMs: number;
  listDestination: ListPage<ListedVersion>;
  look: CloserLook;
  sendHints(hints: Hint[]): Promise<void>;
  report(rows: ReportRow[]): Promise<void>;
  sleep(ms: number): Promise<void>;
}

export interface CompareConsumer {
  /** As `RangePorts.consume`. */
  consume(stretch: Stretch<ListedVersion>, checkpoint: Checkpoint): Promise<Json>;
  /** What was counted since it was asked last: at a checkpoint, or at the end of a stretch. */
  taken(): CompareCounters;
}

const LOOKS_AT_ONCE = 32;
/** A hint may take so long, before a key that was changed lately counts as different. */
const PATIENCE_MS = [500, 2_000, 5_000];

export const createCompareConsumer = (options: CompareOptions): CompareConsumer => {
  const { spec, scope, listing, look } = options;
  const { rule, mapping } = scope;
  const withMarkers = spec.versions === 'all' && rule.deletes === 'replicate';
  const sinceMs = spec.since === null ? -Infinity : Date.parse(spec.since);
  const isWantedKey = (key: string): boolean => key.endsWith(rule.source.suffix);
  const sides = createSides(scope.mapping);
  let counted = { ...NOTHING_COMPARED };

  const listDestination: ListPage<ListedVersion> = (request) => {
    counted.destinationPages += 1;
    return options.listDestination(request);
  };

  /** Either side, as the rule sees it. */
  const sieve: CreateSieve = (pending) =>
    withMarkers
      ? sized(createMarkerRuns(pending))
      : sieveOf((entry) => entry.kind === 'object' && sizeIsWanted(rule.filter, entry));

  const sized = (runs: Sieve): Sieve => ({
    pass: (entry) =>
      entry.kind === 'delete-marker' || sizeIsWanted(rule.filter, entry) ? runs.pass(entry) : [],
    get pending() {
      return runs.pending;
    },
  });

  const isRecent = (key: string): boolean => sides.changedMs(key) >= options.createdMs - 1_000;

  const lookAt = async ({ key, kind }: Difference): Promise<Looked> => {
    counted.looks += 1;
    return await look(key, kind === 'attributes' ? 'attributes' : 'all');
  };

  const judge = async (difference: Difference): Promise<Looked> => {
    const { key, kind } = difference;
    // Among the versions at the destination there may be others, which do not stand for any of the source's.
    const isOpen =
      kind === 'look' || kind === 'attributes' || (kind === 'different' && spec.versions === 'all');
    const isSure = !isOpen && !(kind === 'missing' && asksForTags(rule.filter));
    if (kind === 'history-shorter' && sides.replica(key)?.versionId === 'null') return looked('same');
    if (isSure && (listing === 'compared' || (kind !== 'missing' && !isRecent(key)))) return looked(kind);
    return await lookAt(difference);
  };

  /** What was changed lately may be under way still: all such keys of a stretch are waited for together. */
  const judgeAll = async (differences: Difference[]): Promise<Looked[]> => {
    const found = await mapConcurrently(differences, LOOKS_AT_ONCE, judge);
    const isOpen = (index: number): boolean => {
      const finding = found[index]?.finding;
      return finding !== 'same' && finding !== 'unwanted' && isRecent(differences[index]?.key ?? '');
    };
    for (const delayMs of listing === 'checked' ? PATIENCE_MS : []) {
      const open = [...found.keys()].filter(isOpen);
      if (open.length === 0) break;
      await options.sleep(delayMs);
      await mapConcurrently(open, LOOKS_AT_ONCE, async (index) => {
        const difference = differences[index];
        if (difference !== undefined) found[index] = await lookAt(difference);
      });
    }
    return found;
  };

  const act = async ({ differences, sameKeys }: Findings): Promise<void> => {
    counted.keys += sameKeys;
    counted.same += sameKeys;
    const since = differences.filter(({ key, kind }) => kind === 'extra' || sides.changedMs(key) >= sinceMs);
    const found = await judgeAll(since);
    const rows: ReportRow[] = [];
    const hints: Hint[] = [];
    for (const [index, difference] of since.entries()) {
      const { finding, version, reason } = found[index] ?? looked('same');
      count(counted, finding);
      if (finding === 'same' || finding === 'unwanted') continue;
      rows.push({ ...sides.row(difference.key, finding), reason });
      if (listing === 'checked' || (finding === 'extra' && !spec.deleteExtra)) continue;
      hints.push(hintFor(options, difference.key, finding, version, sides.source(difference.key)));
      counted.hints += 1;
      if (finding !== 'extra') counted.hintBytes += difference.sizeBytes;
    }
    if (hints.length > 0) await options.sendHints(hints);
    if (rows.length > 0) await options.report(rows);
  };

  const comparison = createComparison({
    mapping,
    listDestination,
    wants: isWantedKey,
    sieves: { source: sieve, destination: (pending) => seenBy(sieve(pending), sides.replicaSeen) },
    compare: (one, other) => {
      const verdict = compareListed(scope.destination, spec.attributes, one, other);
      sides.paired(one, other, verdict === 'different' || verdict === 'look');
      return verdict;
    },
    onSource: (version) => {
      sides.sourceSeen(version);
      counted.versions += 1;
      counted.bytes += version.sizeBytes;
    },
    report: act,
  });

  /** With the newest version of the key whose versions are still coming. */
  const carryOf = (behind: Marker | null, state: Json): Json => {
    const newest = behind === null || behind.versionId === null ? null : sides.source(behind.key);
    return state === null ? null : { comparison: state, newest: newest === null ? null : { ...newest } };
  };

  return {
    async consume(stretch, checkpoint) {
      const carried = carriedBy(stretch.carry);
      if (carried.newest !== null) sides.sourceSeen(carried.newest);
      counted.sourcePages += 1;
      const carry = await comparison({ ...stretch, carry: carried.comparison }, async (progress) => {
        await checkpoint({ after: progress.after, carry: carryOf(progress.after, progress.carry) });
        sides.forget();
      });
      const state = carryOf(stretch.through, carry);
      sides.forget();
      return state;
    },
    taken() {
      const sum = counted;
      counted = { ...NOTHING_COMPARED };
      return sum;
    },
  };
};

/** Notes what passes. */
const seenBy = (sieve: Sieve, note: (entry: ListedVersion) => void): Sieve => ({
  pass(entry) {
    const passed = sieve.pass(entry);
    for (const each of passed) note(each);
    return passed;
  },
  get pending() {
    return sieve.pending;
  },
});

const COUNTERS = {
  missing: 'missing',
  different: 'different',
  attributes: 'attributes',
  'history-shorter': 'historyShorter',
  extra: 'extra',
  same: 'same',
} as const;

const count = (counted: CompareCounters, finding: Finding): void => {
  if (finding === 'unwanted') return;
  counted[COUNTERS[finding]] += 1;
  if (finding !== 'extra') counted.keys += 1;
};

const hintFor = (
  { run, epoch, spec, scope }: CompareOptions,
  key: string,
  finding: DifferenceKind,
  version: string | null,
  newest: ListedVersion | null,
): Hint => ({
  bucket: scope.rule.source.bucket,
  key,
  versionId: version,
  sizeBytes: newest?.kind === 'object' ? newest.sizeBytes : null,
  kind: kindOf(finding),
  // One look at both sides asks once for each key, however often a page of it is repeated.
  identity: `${run}/${epoch}`,
  principalId: null,
  rule: spec.rule,
  destination: spec.destination,
  run,
});

/** Of a replica that holds its version nothing is looked at but what the hint is about; a copy that is needed after all comes with it. */
const kindOf = (finding: DifferenceKind): string => {
  if (finding === 'extra') return finding;
  return finding === 'attributes' ? REPAIR : 'hint';
};

interface Carried {
  comparison: Json;
  /** The newest version of the key whose versions are still coming. */
  newest: ListedVersion | null;
}

const carriedBy = (carry: Json): Carried => {
  if (carry === null || typeof carry !== 'object' || Array.isArray(carry))
    return { comparison: null, newest: null };
  return {
    comparison: carry['comparison'] ?? null,
    newest: parseListedVersion(carry['newest'] ?? null) ?? null,
  };
};
