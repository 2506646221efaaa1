/** Formats the progress of a run as text for the terminal. */
import { byteText, countOf, countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import type { RunProgress } from '../../lib/runs/progress.ts';
import type { Phase } from '../../lib/runs/run.ts';

/** Returns the lines about an active run: its progress, its rates, and what it waits for. */
export const progressLines = (progress: RunProgress, phase: Phase, nowMs: number): string[] => {
  const { keys, bytes, secondsLeft, lastActivity } = progress;
  const rates = [
    ...(keys.perSecond === null ? [] : [`${rateText(keys.perSecond)} keys/s`]),
    ...(bytes.perSecond === null ? [] : [`${byteText(bytes.perSecond)}/s`]),
    ...(secondsLeft === null ? [] : [`${duration(secondsLeft)} left`]),
  ];
  const seconds = (nowMs - Date.parse(lastActivity ?? '')) / 1_000;
  return [
    `  ${amountText(keys, countText)} keys, ${amountText(bytes, byteText)}`,
    ...(rates.length === 0 ? [] : [`  ${rates.join(', ')}`]),
    `  ${lastActivity === null ? 'nothing has moved yet' : `last activity ${duration(seconds)} ago`}; ${waitText(progress, phase)}`,
  ];
};

/** Describes the progress of a run in one line, for a command that watches the run. */
export const progressLine = (progress: RunProgress, phase: Phase, besides: string): string => {
  const { keys, bytes, secondsLeft } = progress;
  const share = shareOf(keys);
  return [
    `${barText(share)}${phase}: ${ofText(keys, countText)} keys`,
    ofText(bytes, byteText),
    ...(keys.perSecond === null ? [] : [`${rateText(keys.perSecond)}/s`]),
    ...(secondsLeft === null || secondsLeft < 1 ? [] : [`${duration(secondsLeft)} left`]),
    besides,
    // Nothing is left to count, so only this text explains why the run is not over.
    ...(share === 1 || progress.opens !== null ? [waitText(progress, phase)] : []),
  ].join(', ');
};

/** Returns the share of keys that are done, for tables: `41 %`. */
export const shareText = ({ keys }: Pick<RunProgress, 'keys'>): string => {
  const share = shareOf(keys);
  return share === null ? '-' : `${Math.floor(share * 100)} %`;
};

type Amount = RunProgress['keys'];

const waitText = ({ waitsFor, nextCheck, opens }: RunProgress, phase: Phase): string => {
  if (opens !== null) return `waits for its hours, which begin at ${opens.slice(0, 16)}Z`;
  const { what, count } = waitsFor;
  const waits = `waits for ${countOf(count, what === 'ranges' ? 'range of keys' : 'key', what === 'ranges' ? 'ranges of keys' : 'keys')}`;
  if (nextCheck === null) return `${waits}, checked every minute`;
  const time = `${nextCheck.slice(11, 19)}Z`;
  return phase === 'copying'
    ? `${waits}; if none ends, both sides are compared from ${time} on`
    : `${waits}; one that stands still is sent again at ${time}`;
};

/** Returns the share that is done, or null if no total is known. */
const shareOf = ({ done, total }: Amount): number | null =>
  total === null || total === 0 ? null : Math.min(1, done / total);

const amountText = (amount: Amount, text: (value: number) => string): string => {
  const share = shareOf(amount);
  return ofText(amount, text) + (share === null ? '' : ` (${Math.floor(share * 100)} %)`);
};

const ofText = ({ done, total }: Amount, text: (value: number) => string): string =>
  total === null ? text(done) : `${text(done)} of ${text(total)}`;

const rateText = (perSecond: number): string =>
  perSecond < 10 ? perSecond.toFixed(1) : countText(perSecond);

const BAR = 20;

const barText = (share: number | null): string => {
  if (share === null) return '';
  const filled = Math.floor(share * BAR);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${Math.floor(share * 100)} % `;
};
