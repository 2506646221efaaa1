/** Formats the progress and the result of a copy. */
import { agrees, basesText, verdictOf } from '../../lib/runs/report/comparison-text.ts';
import type { ServiceAnswers } from '../../lib/model/service-answers.ts';
import type { CompareCounters, CopyCounters, RunSpec } from '../../lib/runs/run.ts';
import { byteText, countOf, countText } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import { EXIT } from '../terminal/io.ts';
import type { CopyFailure } from './copy-objects.ts';

/** The state of a copy under way. */
export interface CopyState {
  /** How many keys were compared. */
  keys: number;
  /** The objects and bytes that have to be copied, as far as they are known. */
  planned: { objects: number; bytes: number };
  tally: CopyCounters;
  /** Bytes that have reached the destination. */
  movedBytes: number;
  seconds: number;
  /** Whether both sides are listed to the end, so that `planned` is complete. */
  isListed: boolean;
}

/** Returns one line of at most `columns` columns. The least important parts are left out first. */
export const copyingText = (state: CopyState, columns: number): string => {
  const { keys, planned, tally, movedBytes, seconds, isListed } = state;
  const perSecond = seconds > 0 ? movedBytes / seconds : 0;
  const leftBytes = Math.max(0, planned.bytes - movedBytes);
  const parts = [
    `${byteText(movedBytes)} of ${byteText(planned.bytes)}${isListed ? '' : '+'}`,
    `${byteText(perSecond)}/s`,
    ...(isListed && perSecond > 0 && leftBytes > 0 ? [`${duration(leftBytes / perSecond)} left`] : []),
    ...(tally.failed > 0 ? [`${countText(tally.failed)} failed`] : []),
    `${countText(tally.done)} of ${countText(planned.objects)} objects`,
    ...(isListed || keys === 0 ? [] : [`${countOf(keys, 'key')} compared`]),
  ];
  while (parts.length > 1 && parts.join(', ').length > columns) parts.pop();
  return parts.join(', ');
};

/** The result of one copy. */
export interface CopyResult {
  spec: RunSpec;
  source: string;
  destination: string;
  isDryRun: boolean;
  isComplete: boolean;
  seconds: number;
  movedBytes: number;
  compared: CompareCounters;
  copied: CopyCounters;
  /** The last comparison. Null if there was none, because nothing was copied or the copy was interrupted. */
  checked: CompareCounters | null;
  /** The first failures. */
  failures: CopyFailure[];
  /** The answers of the destination's service before the copy. Null if the service is AWS, or if nothing was written. */
  service: ServiceAnswers | null;
}

/** Returns the exit code. If the copy is incomplete, the user may simply repeat it. */
export const copyExitCode = ({
  spec,
  isComplete,
  isDryRun,
  compared,
  checked,
  copied,
}: CopyResult): number => {
  if (!isComplete) return EXIT.interrupted;
  if (isDryRun || agrees(spec, checked ?? compared)) return EXIT.ok;
  return copied.done > 0 ? EXIT.partial : EXIT.failure;
};

export const copyResultText = (result: CopyResult): string => {
  const { compared, checked, copied, isDryRun, isComplete } = result;
  const look = checked ?? compared;
  const lines = [
    `${printable(result.source)} to ${printable(result.destination)}`,
    isDryRun ? wouldText(result) : didText(result),
    ...deletedText(copied),
    ...failureLines(result),
    ...(isComplete && !isDryRun ? [verdictOf(look), basesText(look)] : []),
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
};

const wouldText = ({ compared, spec }: CopyResult): string => {
  const extra = spec.deleteExtra
    ? ` ${countOf(compared.extra, 'key')} only there would be deleted if replicated from here.`
    : '';
  const objects = compared.hints - (spec.deleteExtra ? compared.extra : 0);
  return `Would copy ${countOf(objects, 'object')} of ${countText(compared.keys)}, ${byteText(compared.hintBytes)}. Nothing was written.${extra}`;
};

const didText = ({ copied, movedBytes, seconds }: CopyResult): string => {
  const { outcomes, copies } = copied;
  const rate = seconds >= 1 ? ` (${byteText(movedBytes / seconds)}/s)` : '';
  const replicated = outcomes['replicated'] ?? 0;
  const objects = countOf(replicated, 'object');
  const versions = copies > replicated ? ` in ${countOf(copies, 'version')}` : '';
  return `Copied ${objects}${versions}: moved ${byteText(movedBytes)} in ${duration(seconds)}${rate}.`;
};

const deletedText = ({ outcomes }: CopyCounters): string[] => [
  ...(outcomes['deleted'] === undefined ? [] : [`Deleted ${countOf(outcomes['deleted'], 'replica')}.`]),
  ...(outcomes['not-ours'] === undefined
    ? []
    : [`Kept ${countOf(outcomes['not-ours'], 'object')} that nothing proves to be copied from here.`]),
  ...(outcomes['restore-requested'] === undefined
    ? []
    : [
        `Requested ${countOf(outcomes['restore-requested'], 'restore')} from the archive: repeat the copy later.`,
      ]),
];

const failureLines = ({ copied, failures }: CopyResult): string[] =>
  Object.entries(copied.reasons).map(([reason, count]) => {
    const example = failures.find((failure) => failure.reason === reason);
    const where =
      example === undefined ? '' : `, such as ${printable(example.key)}: ${printable(example.detail)}`;
    return `Failed: ${countText(count)} ${reason}${where}`;
  });
