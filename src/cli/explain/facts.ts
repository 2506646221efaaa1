/** Describes in words what both sides show, and what the next hint would do. */
import type { PlaceView } from '../../lib/inspect/explain.ts';
import type { SideView } from '../../lib/inspect/side.ts';
import type { ObjectState } from '../../lib/model/ports.ts';
import { byteText, countOf } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import type { FoundLetter } from './find-letter.ts';

/** UTC, as in logs. */
export const timeText = (time: string): string => `${time.slice(0, 19).replace('T', ' ')}Z`;

const timeOf = (ms: number): string => timeText(new Date(ms).toISOString());

const problemText = ({ problem }: SideView): string =>
  problem === null ? 'not read' : `${problem.reason}: ${problem.detail}`;

export const sourceText = (view: SideView): string => {
  const { current } = view;
  if (current === null) return problemText(view);
  if (current.kind === 'absent') return 'no such object';
  if (current.kind === 'marker') return `delete marker ${current.versionId}`;
  return objectText(current.state, view);
};

const objectText = (state: ObjectState, { tags }: SideView): string =>
  [
    state.versionId === null ? 'an object without versions' : `version ${state.versionId}`,
    byteText(state.sizeBytes),
    timeOf(state.lastModifiedMs),
    ...(state.attributes.storageClass === null ? [] : [state.attributes.storageClass]),
    ...(state.encryption === null || state.encryption === 'AES256' ? [] : [state.encryption]),
    ...(state.tagCount === 0
      ? []
      : [countOf(tags === null ? state.tagCount : Object.keys(tags).length, 'tag')]),
    ...(state.lock.retention === null
      ? []
      : [`locked until ${timeOf(state.lock.retention.untilMs)} (${state.lock.retention.mode})`]),
    ...(state.lock.legalHold ? ['legal hold'] : []),
  ].join(' · ');

export const destinationText = (place: PlaceView): string => {
  const { replica, relation } = place;
  const { current } = replica;
  if (current === null) return problemText(replica);
  if (current.kind === 'absent') return 'no such object';
  if (current.kind === 'marker') return `delete marker ${current.versionId}`;
  return [objectText(current.state, replica), stampText(place, current.state), proofText(relation)]
    .filter((text) => text !== '')
    .join(' · ');
};

const stampText = ({ relation: { stamp, behind } }: PlaceView, { lastModifiedMs }: ObjectState): string => {
  if (stamp === null) return 'no stamp of ours';
  const delayMs = lastModifiedMs - Date.parse(stamp.modified);
  const from = stamp.isFromHere ? 'this source' : 'another source';
  return [
    `stamp of ${from}: ${stamp.identity.slice(2)} of ${timeText(stamp.modified)}${stamp.isProven ? ', signed' : ''}`,
    ...(behind === null || behind === 0 ? [] : [`${countOf(behind, 'state')} behind`]),
    ...(behind === 0 ? [`written ${duration(delayMs / 1_000)} after its source`] : []),
  ].join(' · ');
};

const proofText = ({ bytes, receipt }: PlaceView['relation']): string => {
  if (receipt !== null) return `bytes proven by the receipt of the copy (${receipt})`;
  if (bytes === 'same') return 'same bytes by digest';
  if (bytes === 'differs') return 'other bytes';
  return bytes === null ? '' : 'digests that cannot be compared';
};

/**
 * Describes what the next hint would do. `letter` is a letter that may fail again for the same reason. It is null if there is no letter,
 * or if its cause is gone.
 */
export const nextText = ({ next, source, replica }: PlaceView, letter: FoundLetter | null): string => {
  const left = next.passedOver.map(
    ({ versionId, reason }) => `would pass over version ${versionId} (${reason}), then `,
  );
  return left.join('') + stepText(next, [source, replica]) + refusalText(next, letter);
};

const stepText = (next: PlaceView['next'], sides: readonly SideView[]): string => {
  // The lines of the sides have the words of AWS already, if the look at one of them has failed in the same way.
  if (next.kind === 'fails' && sides.some(({ problem }) => problem?.detail === next.detail))
    return `would fail in the same way (${next.reason})`;
  if (next.kind === 'fails') return `would fail: ${next.reason}, ${next.detail}`;
  if (next.kind === 'done') return OUTCOMES[next.outcome] ?? `would end as ${next.outcome}`;
  const { call, condition, sourceVersion, versionId } = next;
  return [
    `would call ${call}`,
    ...(versionId === null ? [] : [`for version ${versionId}`]),
    ...(condition === null ? [] : [`with ${condition}`]),
    ...(sourceVersion === null ? [] : [`from source version ${sourceVersion}`]),
  ].join(' ');
};

/** Adds the failure of the last attempt. A dry run cannot show whether S3 will refuse the call, but this failure can. */
const refusalText = (next: PlaceView['next'], letter: FoundLetter | null): string => {
  const reason = letter?.letter?.reason;
  return next.kind !== 'call' || reason === undefined
    ? ''
    : `; the last try ended with ${reason} (\`dlq check\` asks S3 whether it still would)`;
};

const OUTCOMES: Readonly<Record<string, string>> = {
  unchanged: 'would do nothing: both sides agree',
  'source-gone': 'would do nothing: there is no object to copy, and no delete to pass on',
  'not-ours': 'would do nothing: what the destination shows is not provably our replica',
  held: 'would hold the key: the brake is closed',
  filtered: 'would do nothing: the filter or the exclude of the rule leaves the object out',
  replica: 'would do nothing: the source object is itself a replica',
  transferring: 'would wait for the transfer that moves the object',
};
