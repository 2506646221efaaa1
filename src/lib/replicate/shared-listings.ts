/**
 * Shares listings of a source among the hints of a batch whose keys are neighbours, for example keys that begin with a time. A
 * shared listing is never older than the events of the batch, because the first hint that asks for it makes it. If the keys are not
 * neighbours, each hint lists its key alone, and a shared listing is tried again only now and then (decision 045).
 */
import type { Deps } from '../delivery/deps.ts';
import { type Neighbourhood, neighbourhoodOf, noteHit, noteMiss } from '../delivery/neighbourhoods.ts';
import type { Assignment } from '../hint/route.ts';
import { commonPrefixLength, compareKeys } from '../listing/key-order.ts';
import type { Clock, HistoryEntry, SourceBucket } from '../model/ports.ts';

export interface SharedListings {
  /** Announces assignments. All messages of a batch announce theirs before the first of them lists. */
  expect(assignments: readonly Assignment[]): void;
  /**
   * Resolves to the history of the key in a shared listing, or to null if no shared listing has it. Answers each assignment only
   * once.
   */
  take(assignment: Assignment): Promise<HistoryEntry[] | null>;
}

/** How long a listing is shared. Work that begins later, because it waited for memory, lists its key itself. */
const SHARED_MS = 2_000;
/** Maximum number of pages that one group lists, one after the other. */
const MAX_PAGES = 4;

interface Group {
  rule: Assignment['rule'];
  /** The keys in S3's order. */
  keys: string[];
  place: string;
  listing: Promise<Answers> | null;
}

type Answers = Map<string, { history: HistoryEntry[]; listedMs: number }>;

export const createSharedListings = ({
  buckets,
  clock,
  neighbourhoods = new Map(),
}: Pick<Deps, 'buckets' | 'clock' | 'neighbourhoods'>): SharedListings => {
  const expected = new Map<string, Map<string, Assignment>>();
  const groups = new Map<string, Map<string, Group>>();
  const taken = new Set<string>();
  return {
    expect(assignments) {
      for (const assignment of assignments) {
        const { rule, hint } = assignment;
        if (rule.versions !== 'all') continue;
        const keys = expected.get(rule.id) ?? new Map<string, Assignment>();
        expected.set(rule.id, keys.set(hint.key, assignment));
      }
    },
    async take({ rule, destination, hint: { key } }) {
      const id = JSON.stringify([rule.id, destination.id, key]);
      const ofRule = groups.get(rule.id) ?? groupsOf(rule, [...(expected.get(rule.id)?.keys() ?? [])]);
      groups.set(rule.id, ofRule);
      const group = ofRule.get(key);
      // A second hint about the same key needs a listing that is at least as new as the one that the first hint got.
      if (group === undefined || group.keys.length < 2 || taken.has(id)) return null;
      taken.add(id);
      group.listing ??= list(
        group.keys,
        buckets.source(rule),
        neighbourhoodOf(neighbourhoods, group.place),
        clock,
      );
      const answer = (await group.listing).get(key);
      return answer !== undefined && clock.now() - answer.listedMs <= SHARED_MS ? answer.history : null;
    },
  };
};

/** Returns the group of each key. The keys of one folder are a group. All keys that are alone in their folders are another group. */
const groupsOf = (rule: Assignment['rule'], keys: string[]): Map<string, Group> => {
  const folders = Map.groupBy(keys.toSorted(compareKeys), folderOf);
  const groups = new Map<string, Group>();
  const add = (members: string[], name: string): void => {
    const group = { rule, keys: members, place: JSON.stringify([rule.id, name]), listing: null };
    for (const key of members) groups.set(key, group);
  };
  for (const [folder, members] of folders) if (members.length > 1) add(members, folder);
  add([...folders.values()].filter(({ length }) => length === 1).flat(), ALONE);
  return groups;
};

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

/** The name of the group of keys that are alone in their folders. No folder has this name. */
const ALONE = '*';

/** Lists pages, each from the first key that has not been passed yet. Ends when a page has fewer than two of the keys. */
const list = async (
  keys: string[],
  source: SourceBucket,
  place: Neighbourhood,
  clock: Clock,
): Promise<Answers> => {
  const answers: Answers = new Map();
  if (place.skip > 0) {
    place.skip -= 1;
    return answers;
  }
  let wanted = keys;
  for (let page = 0; page < MAX_PAGES && wanted.length > 1; page += 1) {
    const listedMs = clock.now();
    const found = await pageOf(wanted, source, place.entries);
    const { histories, isWhole } = found ?? { histories: new Map<string, HistoryEntry[]>(), isWhole: true };
    const before = answers.size;
    let entries = 0;
    let span = 0;
    for (const [key, history] of histories) {
      entries += history.length;
      if (!wanted.includes(key)) continue;
      answers.set(key, { history, listedMs });
      span = entries;
    }
    if (answers.size - before < 2) {
      noteMiss(place);
      break;
    }
    const last = [...histories.keys()].at(-1) ?? '';
    wanted = isWhole ? [] : wanted.filter((key) => compareKeys(key, last) > 0);
    noteHit(place, { span, isCutOff: wanted.length > 0 });
  }
  return answers;
};

/** Resolves to null after an error. Each hint then lists its key itself, and fails for its own reason. */
const pageOf = async (wanted: string[], source: SourceBucket, maxEntries: number) => {
  const [first = '', last = first] = [wanted[0], wanted.at(-1)];
  const prefix = first.slice(0, commonPrefixLength(first, last));
  try {
    return await source.neighbours({ prefix, first, maxEntries });
  } catch {
    return null;
  }
};
