/** Summarises dead letters in groups, so that a person sees the problems and not each message. */
import { createHash } from 'node:crypto';
import type { Reason } from '../model/reasons.ts';
import { type DeadMessage, keysOf } from './dead-message.ts';
import type { ReceivedMessage } from './queue.ts';

/** The letters of one reason, rule and destination. `dlq list --json` prints this shape, so the names must not change. */
export interface LetterGroup {
  reason: Reason;
  rule: string | null;
  /** Several destinations only if the cause lies in the source object. The object is then missing at each of them. */
  destinations: string[];
  letters: number;
  objects: number;
  /** When the first and the last letter of the group became a dead letter. ISO 8601. */
  since: string;
  newest: string;
  /** When SQS permanently deletes the first letter of the group. ISO 8601. */
  expires: string;
  /** One of the letters. */
  example: Pick<DeadMessage, 'bucket' | 'key' | 'version' | 'moreKeys' | 'detail' | 'requestId'>;
  fix: string;
  endedBy: DeadMessage['endedBy'];
}

export interface LetterSummary {
  letters: number;
  objects: number;
  /** When the first and the last message became a dead letter; null: there are none. ISO 8601. */
  oldest: string | null;
  newest: string | null;
  lastMinute: number;
  lastHour: number;
  /** Groups with the same reason are adjacent. The reason with the most letters comes first. */
  groups: LetterGroup[];
}

export interface LetterSummer {
  add(seen: DeadMessage, message: ReceivedMessage): void;
  sum(): LetterSummary;
}

/** The reasons whose cause lies in the source object. They apply to every destination. */
const OF_SOURCE: ReadonlySet<Reason> = new Set(['archived', 'sse-c']);

/**
 * Creates a summary that letters are added to. It needs a few bytes of memory for each object, however long keys and messages
 * are.
 */
export const createSummer = (nowMs: number): LetterSummer => {
  const groups = new Map<string, Growing>();
  const objects = new Set<string>();
  const counts = { letters: 0, lastMinute: 0, lastHour: 0 };
  return {
    add(seen, message) {
      const ageMs = nowMs - Date.parse(seen.deadSince);
      counts.letters += 1;
      if (ageMs < 60_000) counts.lastMinute += 1;
      if (ageMs < 3_600_000) counts.lastHour += 1;
      const hashes = keysOf(seen, message).map((key) => hashOf(seen.bucket, key));
      for (const hash of hashes) objects.add(hash);
      const name = nameOf(seen);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, begun(seen, hashes));
      else grow(group, seen, hashes);
    },
    sum() {
      const sorted = sortedGroups([...groups.values()].map(finished));
      return {
        letters: counts.letters,
        objects: objects.size,
        oldest: least(sorted.map(({ since }) => since)),
        newest: sorted.reduce<string | null>((last, { newest }) => greater(last, newest), null),
        lastMinute: counts.lastMinute,
        lastHour: counts.lastHour,
        groups: sorted,
      };
    },
  };
};

interface Growing extends Omit<LetterGroup, 'objects' | 'destinations'> {
  keys: Set<string>;
  names: Set<string>;
}

const nameOf = ({ reason, rule, destination, fix }: DeadMessage): string =>
  JSON.stringify([reason, rule, OF_SOURCE.has(reason) ? null : destination, fix]);

const hashOf = (bucket: string | null, key: string): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('base64url').slice(0, 16);

const begun = (seen: DeadMessage, hashes: readonly string[]): Growing => {
  const { reason, rule, destination, deadSince, expires, fix, endedBy } = seen;
  const { bucket, key, version, moreKeys, detail, requestId } = seen;
  return {
    reason,
    rule,
    names: new Set(destination === null ? [] : [destination]),
    letters: 1,
    keys: new Set(hashes),
    since: deadSince,
    newest: deadSince,
    expires,
    example: { bucket, key, version, moreKeys, detail, requestId },
    fix,
    endedBy,
  };
};

const grow = (group: Growing, { destination, deadSince, expires }: DeadMessage, hashes: string[]): void => {
  group.letters += 1;
  if (destination !== null) group.names.add(destination);
  for (const hash of hashes) group.keys.add(hash);
  if (deadSince < group.since) group.since = deadSince;
  if (deadSince > group.newest) group.newest = deadSince;
  if (expires < group.expires) group.expires = expires;
};

const finished = ({ keys, names, ...group }: Growing): LetterGroup => ({
  ...group,
  objects: keys.size,
  destinations: [...names].toSorted(),
});

const sortedGroups = (groups: LetterGroup[]): LetterGroup[] => {
  const byReason = Map.groupBy(groups, ({ reason }) => reason);
  const lettersOf = (some: LetterGroup[]): number => some.reduce((sum, { letters }) => sum + letters, 0);
  return [...byReason.values()]
    .toSorted((a, b) => lettersOf(b) - lettersOf(a))
    .flatMap((some) => some.toSorted((a, b) => b.letters - a.letters));
};

const least = (times: string[]): string | null => times.toSorted()[0] ?? null;

const greater = (one: string | null, other: string): string => (one === null || other > one ? other : one);
