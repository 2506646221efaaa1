/** Formats runs as text for the terminal. */
import { byteText, countOf, countText, dollarText, sumOf } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { ALL_REASONS, reasonEntry } from '../../lib/model/reasons.ts';
import { printable } from '../../lib/text/printable.ts';
import { differing, findingsIn, verdictOf } from '../../lib/runs/report/comparison-text.ts';
import type { RunProgress } from '../../lib/runs/progress.ts';
import type { RunEstimate } from '../../lib/runs/run.ts';
import { type CompareCounters, type CopyCounters, isOver, type Run } from '../../lib/runs/run.ts';
import { type Column, tableLines } from '../terminal/table.ts';
import { limitsText } from './limit-options.ts';
import { progressLines, shareText } from './run-progress-text.ts';

/** A run with the counters of its copies and its use of AWS. */
export interface RunState extends Run {
  copied: CopyCounters;
  /** The requests, dollars and hours that the run has used so far. */
  used: RunEstimate;
  /** The progress of the run; null if the run is not active. */
  progress: RunProgress | null;
}

/** Describes a run, for example `backfill of invoices to archive, keys beginning with 2026/`. */
export const runTitle = ({ spec }: Pick<Run, 'spec'>): string =>
  [
    `${spec.isDryRun ? 'dry run of a backfill' : spec.kind}${spec.repair ? ' with repair' : ''} of ${spec.rule} to ${spec.destination}`,
    ...(spec.attributes === 'all' ? ['with all attributes'] : []),
    ...(spec.prefix === '' ? [] : [`keys beginning with ${printable(spec.prefix)}`]),
    ...(spec.since === null ? [] : [`written since ${spec.since}`]),
  ].join(', ');

/** Returns the lines that describe one run in full. `reportFolder` is null if the run writes no report files. */
export const runLines = (
  run: RunState,
  { nowMs, columns }: { nowMs: number; columns: number },
  reportFolder: string | null,
): string[] => {
  const { id, phase, createdMs, endedMs, failure, compared, checked, copied } = run;
  const seconds = ((endedMs ?? nowMs) - createdMs) / 1_000;
  const isCopying = run.spec.kind === 'backfill' || run.spec.repair;
  return [
    `Run ${id}: ${runTitle(run)}`,
    `  ${phase}${phase === 'paused' || phase === 'failed' ? ` while ${run.work}` : ''}, ${duration(seconds)}${endedMs === null ? ' so far' : ''}`,
    ...limitLines(run),
    ...(failure === null
      ? []
      : [`  ${failure.reason}: ${printable(failure.detail)}`, `    ${reasonEntry(failure.reason).fix}`]),
    ...(run.progress === null ? [] : progressLines(run.progress, phase, nowMs)),
    ...(phase === 'failed' || phase === 'paused'
      ? [`  ${phase}: resume or cancel it, because it keeps other runs over its keys from beginning`]
      : []),
    ...lookLines(compared, checked, columns),
    ...(isCopying ? copyLines(copied) : []),
    ...(isOver(run) || phase === 'failed' ? usedLines(run.estimate, run.used, columns) : []),
    ...(phase === 'finished' && reportFolder !== null ? ['', ...reportLines(run, reportFolder)] : []),
    ...(phase === 'finished' && checked !== null ? ['', `  ${verdictOf(checked)}`] : []),
  ];
};

const limitLines = ({ limits }: RunState): string[] => {
  const text = limits === undefined ? null : limitsText(limits);
  return text === null ? [] : [`  ${text}`];
};

const reportLines = ({ digests }: RunState, folder: string): string[] => [
  `  report  ${folder}report.html`,
  ...Object.entries(digests ?? {}).map(([name, digest]) => `          SHA-256 ${digest} ${name}`),
];

const lookLines = (
  compared: CompareCounters | null,
  checked: CompareCounters | null,
  columns: number,
): string[] => {
  const looks = [compared, checked].filter((look) => look !== null);
  if (looks.length === 0) return [];
  const names = [...(compared === null ? [] : ['FIRST LOOK']), ...(checked === null ? [] : ['LAST LOOK'])];
  const row = (words: string, texts: string[]): string[] => [words, ...texts];
  return [
    '',
    ...indented(
      numbers(
        ['', ...names],
        [
          row(
            'keys of the source',
            looks.map(({ keys }) => countText(keys)),
          ),
          ...findingsIn(looks).map(([name, words]) =>
            row(
              words,
              looks.map((look) => countText(look[name])),
            ),
          ),
        ],
        columns,
      ),
    ),
  ];
};

const copyLines = ({ copies, bytes, done, failed, reasons, outcomes }: CopyCounters): string[] => [
  '',
  `  ${countOf(done, 'key')} worked on: ${countOf(copies, 'version')} copied, ${byteText(bytes)}; ${countText(failed)} failed`,
  ...cappedLines(outcomes['lock-capped'] ?? 0),
  ...ALL_REASONS.flatMap((reason) => {
    const count = reasons[reason] ?? 0;
    return count === 0 ? [] : [`    ${countText(count)} × ${reason}`, `        ${reasonEntry(reason).fix}`];
  }),
];

const cappedLines = (count: number): string[] =>
  count === 0 ? [] : [`    ${countText(count)} × lock-capped: locked for a shorter time than at the source`];

/** Returns a table of the estimate and the actual use, side by side. If there is no estimate, the table has only the use. */
const usedLines = (estimate: RunEstimate | null, used: RunEstimate, width: number): string[] => {
  const columns = [...(estimate === null ? [] : [estimate]), used];
  const row = (words: string, textOf: (each: RunEstimate) => string): string[] => [
    words,
    ...columns.map(textOf),
  ];
  const kinds = Object.keys(used.requests);
  return [
    '',
    ...indented(
      numbers(
        ['', ...(estimate === null ? [] : [`ESTIMATE${errorText(estimate)}`]), 'USED'],
        [
          row('keys', ({ keys }) => countText(keys)),
          row('bytes', ({ bytes }) => byteText(bytes)),
          row('time', ({ hours }) => duration(hours * 3_600)),
          ...kinds.map((kind) => row(`requests: ${kind}`, ({ requests }) => countText(requests[kind] ?? 0))),
          ...Object.keys(used.dollars).map((service) =>
            row(`US$: ${service}`, ({ dollars }) => dollarText(dollars[service] ?? 0)),
          ),
          row('US$ in all', ({ dollars }) => dollarText(sumOf(dollars))),
        ],
        width,
      ),
    ),
  ];
};

/** Returns the lines with the estimate that are shown before the start of a run. */
export const estimateLines = (estimate: RunEstimate): string[] => {
  const { keys, bytes, bytesReadTwice, requests, dollars, hours, hoursOnceSplit, basis, errorShare } =
    estimate;
  const certainty =
    basis === 'listing'
      ? 'all of the source was listed'
      : `from a sample${errorShare === null ? ', and there may be far more' : `: give or take ${percent(errorShare)}`}`;
  return [
    `  ${countOf(Math.round(keys), 'key')}, ${byteText(bytes)} (${certainty})`,
    `  about ${duration(hours * 3_600)}`,
    ...(hoursOnceSplit === undefined
      ? []
      : [
          `  limited by the requests that S3 serves per prefix; ${duration(hoursOnceSplit * 3_600)} once S3 has split the keys into enough prefixes`,
        ]),
    `  requests  ${Object.entries(requests)
      .map(([kind, count]) => `${kind} ${countText(count)}`)
      .join(', ')}`,
    `  cost      ${dollarText(sumOf(dollars))}: ${Object.entries(dollars)
      .map(([service, amount]) => `${service} ${dollarText(amount)}`)
      .join(', ')}`,
    ...(bytesReadTwice === 0
      ? []
      : [
          `  if the replicas are under Object Lock, up to ${byteText(bytesReadTwice)} in large parts are read twice`,
        ]),
  ];
};

/** A run of a list. */
export type ListedRun = Run & Pick<RunState, 'progress'>;

/** Returns a table of runs with one line for each run. */
export const runTable = (
  runs: readonly ListedRun[],
  { now, columns }: { now(): number; columns: number },
): string[] =>
  tableLines(
    [
      'RUN',
      'PHASE',
      { title: 'DONE', align: 'right' },
      { title: 'AGE', align: 'right', isOptional: true },
      { title: 'TOOK', align: 'right', isOptional: true },
      { title: 'KEYS', align: 'right', isOptional: true },
      { title: 'DIFFERENT', align: 'right', isOptional: true },
      { title: 'WHAT', least: 20 },
    ],
    runs.map((run) => {
      const look = run.checked ?? run.compared;
      const ageSeconds = (now() - run.createdMs) / 1_000;
      return [
        run.id,
        run.phase,
        run.progress === null ? '-' : shareText(run.progress),
        duration(ageSeconds),
        duration(((run.endedMs ?? now()) - run.createdMs) / 1_000),
        look === null ? '-' : countText(look.keys),
        look === null ? '-' : countText(differing(look)),
        runTitle(run),
      ];
    }),
    columns,
  );

const percent = (share: number): string => `${Math.ceil(share * 100)} %`;

const errorText = ({ basis, errorShare }: RunEstimate): string =>
  basis === 'listing' ? '' : errorShare === null ? ' (rough)' : ` (±${percent(errorShare)})`;

const INDENT = 2;

const indented = (lines: string[]): string[] => lines.map((line) => ' '.repeat(INDENT) + line);

/** Formats a table whose columns are numbers, except the first. */
const numbers = ([first = '', ...others]: string[], rows: string[][], columns: number): string[] =>
  tableLines(
    [{ title: first, least: 24 }, ...others.map((title): Column => ({ title, align: 'right' }))],
    rows,
    columns - INDENT,
  );
