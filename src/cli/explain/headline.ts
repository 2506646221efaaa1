/** Chooses the sentence that says why an object has arrived or has not arrived, and the fix. */
import type { PlaceView } from '../../lib/inspect/explain.ts';
import { ALL_REASONS, reasonEntry } from '../../lib/model/reasons.ts';
import { duration } from '../../lib/text/duration.ts';
import { shellWord } from '../../lib/text/shell.ts';
import { timeText } from './facts.ts';
import type { Told } from './told.ts';

export interface Headline {
  headline: string;
  /** The first step for a person; null if nothing has to be done. */
  fix: string | null;
  /** The words of the command for the step after that; null if there is none. */
  command: string | null;
}

const told = (headline: string, fix: string | null = null, command: string | null = null): Headline => ({
  headline,
  fix,
  command,
});

export const headlineOf = ({ place, letter, explanation, log }: Told, nowMs: number): Headline => {
  const { next, avoided, brake } = place;
  const isDone = next.kind === 'done' && next.outcome === 'unchanged';
  const dead = letter?.letter ?? null;
  const prefix = `--prefix ${shellWord(explanation.key)}`;
  if (dead !== null) {
    const redrive = `dlq redrive --reason ${dead.reason} ${prefix}`;
    if (isDone) return told('Replicated meanwhile: the dead letter has nothing left to do.', null, redrive);
    const since = timeText(dead.deadSince);
    return told(
      `Not replicated since ${since}: ${uncapitalised(reasonEntry(dead.reason).meaning)} (${dead.reason})`,
      dead.fix,
      dead.endedBy === 'discard' ? `dlq discard --reason ${dead.reason} ${prefix}` : redrive,
    );
  }
  if (brake.heldSince !== null)
    return told(
      `Held since ${timeText(brake.heldSince)}: deletes of this rule are paused.`,
      'Find out who deletes, before the delete is passed on (docs/operations.md, "Paused deletes").',
      `brake release --rule ${shellWord(place.rule)} --destination ${shellWord(place.destination)}`,
    );
  if (avoided !== null && !isDone)
    return told(
      `Waits since ${timeText(avoided.since)}: the destination is avoided (${avoided.reason}).`,
      fixOf(avoided.reason),
      `waiting list --rule ${shellWord(place.rule)}`,
    );
  const tried = next.kind === 'call' && next.passedOver.length === 0 ? lastFailure({ place, log }) : null;
  if (tried !== null)
    return told(
      `Not replicated yet: the last try failed, and its message is tried again. ${meaningNow(tried)} (${tried})`,
      fixOf(tried),
    );
  return fromNext(place, { nowMs, prefix });
};

/** The reason of the last try, if that is the last that the functions logged about the key here. A dry run cannot know it. */
const lastFailure = ({ place, log }: Pick<Told, 'log' | 'place'>): string | null => {
  if ('problem' in log) return null;
  const { rule, destination } = place;
  const last = log.lines.findLast((line) => line.rule === rule && line.destination === destination);
  return last?.message === 'retry' ? last.reason : null;
};

const fromNext = (place: PlaceView, { nowMs, prefix }: { nowMs: number; prefix: string }): Headline => {
  const { next } = place;
  if (next.kind === 'fails')
    return told(
      `Not replicated: ${uncapitalised(meaningNow(next.reason))} (${next.reason})`,
      fixOf(next.reason),
      backfill(place, prefix),
    );
  const [passedOver] = next.passedOver;
  if (passedOver !== undefined)
    return told(
      `Not replicated in full: a version cannot be copied. ${meaningOf(passedOver.reason)} (${passedOver.reason})`,
      fixOf(passedOver.reason),
      backfill(place, prefix),
    );
  if (next.kind === 'call') return fromCall(place, next, { nowMs, prefix });
  switch (next.outcome) {
    case 'unchanged':
      return told(agreementText(place));
    case 'source-gone':
      return told(goneText(place));
    case 'not-ours':
      return told(
        'Deleted at the source. What the destination shows is not provably our replica, so it stays.',
      );
    case 'held':
      return told(
        'The next delete of this key would be held: the brake of the rule is closed.',
        null,
        'brake status',
      );
    case 'filtered':
      return told(`Left out by rule ${place.rule}: ${place.filter ?? 'size or tags'}.`);
    case 'replica':
      return told('Left out: the source object is itself a replica (`replicas: ignore`).');
    case 'transferring':
      return told('Being transferred: many invocations move its parts.', null, 'transfers list');
    default:
      return told(`The next hint would end as ${next.outcome}.`);
  }
};

const agreementText = (place: PlaceView): string => {
  const { source, replica } = place;
  if (source.current?.kind === 'object') return 'Replicated: the destination holds what the source shows.';
  const isDeleted = source.current?.kind === 'marker' && replica.current?.kind !== 'object';
  return isDeleted ? 'Deleted on both sides.' : goneText(place);
};

const goneText = ({ source, replica }: PlaceView): string => {
  const what =
    source.current?.kind === 'marker' ? 'Deleted at the source' : 'There is no such object at the source';
  return replica.current?.kind === 'object'
    ? `${what}. The replica stays: the rule does not pass this on.`
    : `${what}, and no replica is shown.`;
};

const fromCall = (
  place: PlaceView,
  { call, sourceVersion }: { call: string; sourceVersion: string | null },
  { nowMs, prefix }: { nowMs: number; prefix: string },
): Headline => {
  const send = backfill(place, prefix);
  switch (call) {
    case 'RestoreObject':
      return told('Archived at the source: the next hint asks S3 to restore it.', null, send);
    case 'DeleteObject':
      return told(
        place.source.current?.kind === 'object'
          ? 'Not replicated yet: the source shows a newer object, and an earlier delete is passed on first.'
          : 'Deleted at the source, and still shown at the destination.',
        null,
        send,
      );
    case 'CompleteMultipartUpload':
      return told(
        'Nearly replicated: all parts are there, and the next hint puts them together.',
        null,
        'transfers list',
      );
    case 'SendMessage':
      return told(
        'Being transferred: the next hint sends its parts to the transfer queue.',
        null,
        'transfers list',
      );
    case 'PutObjectTagging':
    case 'PutObjectAcl':
    case 'PutObjectRetention':
    case 'PutObjectLegalHold':
      return told(
        isCurrent(place, sourceVersion)
          ? 'The content is replicated, but not its newest tags, grants or lock.'
          : 'Not replicated yet: an earlier version gets its newest tags, grants or lock first.',
        null,
        send,
      );
    default:
      return told(behindText(place, nowMs), null, send);
  }
};

const isCurrent = ({ source }: PlaceView, version: string | null): boolean =>
  source.current?.kind === 'object' && source.current.state.versionId === version;

/** How long after a write a missing replica is normal. */
const FRESH_SECONDS = 60;

const behindText = ({ source, replica }: PlaceView, nowMs: number): string => {
  const writtenMs = source.current?.kind === 'object' ? source.current.state.lastModifiedMs : null;
  const age = writtenMs === null ? null : (nowMs - writtenMs) / 1_000;
  const written = age === null ? '' : `, ${duration(age)} after it was written`;
  const lacks =
    replica.current?.kind === 'object'
      ? 'the destination shows an older state'
      : 'the destination has no such object';
  return age !== null && age < FRESH_SECONDS
    ? `On its way: ${lacks}${written}.`
    : `Not replicated yet: ${lacks}${written}, and no dead letter says why. Its event may wait in a queue, or was lost.`;
};

const backfill = ({ rule, destination }: PlaceView, prefix: string): string =>
  `backfill start --rule ${shellWord(rule)} --destination ${shellWord(destination)} ${prefix}`;

const meaningOf = (reason: string): string => entryOf(reason)?.meaning ?? 'the look at the buckets failed.';

/** A letter proves that a refusal lasted, and one try does not. */
const meaningNow = (reason: string): string => {
  const meaning = meaningOf(reason).replace(/^For two minutes (the )?/, '$1');
  return `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}`;
};

const fixOf = (reason: string): string | null => entryOf(reason)?.fix ?? null;

const entryOf = (reason: string) => {
  const known = ALL_REASONS.find((name) => name === reason);
  return known === undefined ? null : reasonEntry(known);
};

/**
 * The meaning of a reason is a sentence, but here it follows a colon and begins with a small letter. Names of services keep their
 * capitals.
 */
const uncapitalised = (sentence: string): string =>
  (/^[A-Z][a-z]/.test(sentence) ? sentence[0]?.toLowerCase() + sentence.slice(1) : sentence).replace(
    /\.$/,
    '',
  );
