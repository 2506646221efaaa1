/** Formats the state of a deployment as one screen. */
import {
  type DeploymentState,
  isReadable,
  messagesIn,
  missingPermissions,
  type NotReadable,
  type Pending,
  type Readable,
  readableText,
  type RuleState,
  type RunSummary,
} from '../../lib/state/deployment-state.ts';
import { headline, isBehind } from '../../lib/state/verdict.ts';
import type { TransferState } from '../../lib/state/transfer-state.ts';
import { byteText, countOf, countText } from '../../lib/text/amounts.ts';
import { duration, shortDuration } from '../../lib/text/duration.ts';
import { printable } from '../../lib/text/printable.ts';
import type { Style } from '../terminal/style.ts';
import { tableLines } from '../terminal/table.ts';
import { pad, shorten } from '../terminal/width.ts';

interface Screen {
  columns: number;
  style: Style;
}

/** The width that is assumed if the output is not a terminal. */
const WIDTH = 80;

export const statusLines = (state: DeploymentState, { columns, style }: Screen): string[] => {
  const behind = state.rules.filter(isBehind);
  const title = `${state.stack} · ${state.region} · ${timeOf(state.at)} UTC`;
  const verdict = headline(behind.length);
  const gap = Math.min(columns, WIDTH) - title.length - verdict.length;
  const coloured = style(behind.length === 0 ? 'green' : 'red', verdict);
  return [
    gap >= 2 ? `${title}${' '.repeat(gap)}${coloured}` : `${title}  ${coloured}`,
    ...ruleTable(state.rules, columns),
    ...sections(state, behind).map(([name, text]) => `${pad(name, 10)} ${text}`),
  ];
};

const ruleTable = (rules: readonly RuleState[], columns: number): string[] =>
  tableLines(
    [
      { title: 'RULE → DESTINATION', least: 18 },
      { title: 'LAG p50/p99', align: 'right' },
      { title: 'PENDING', align: 'right' },
      { title: 'OLDEST', align: 'right' },
      { title: 'RATE', align: 'right', isOptional: true },
      { title: 'FAILED 1 h', align: 'right' },
    ],
    rules.map(({ rule, destination, lag, pending, operationsPerSecond, failedLastHour, failureReason }) => [
      `${rule} → ${destination}`,
      readableText(lag, (known) =>
        known === null ? '– /–' : `${shortDuration(known.p50Seconds)}/${shortDuration(known.p99Seconds)}`,
      ),
      readableText(pending, pendingText),
      readableText(pending, ({ oldestSeconds }) =>
        oldestSeconds === null ? '–' : shortDuration(oldestSeconds),
      ),
      readableText(operationsPerSecond, (known) => (known === 0 ? '0/s' : `${known.toFixed(1)}/s`)),
      readableText(failedLastHour, (count) =>
        isReadable(failureReason) && failureReason !== null && count > 0
          ? `${countText(count)} ${failureReason}`
          : countText(count),
      ),
    ]),
    columns,
  );

/** Counts of operations up to this one are shown exactly. Larger counts are rounded, because they are approximate. */
const EXACT = 100;

const pendingText = ({ operations }: Pending): string =>
  operations < EXACT ? String(operations) : `~${countText(Number(operations.toPrecision(2)))}`;

const timeOf = (iso: string): string => iso.slice(11, 19);

type Section = readonly [name: string, text: string];

const sections = (state: DeploymentState, behind: readonly RuleState[]): Section[] => [
  ...state.rules.flatMap(({ rule, destination, avoided, brake }): Section[] => [
    ...(isReadable(avoided) && avoided !== null
      ? [
          [
            'avoided',
            `${rule} → ${destination} since ${since(avoided.since, state.at)}: ${avoided.reason} → npx s3-replicator waiting list`,
          ] as const,
        ]
      : []),
    ...(isReadable(brake) && brake.state === 'closed' && brake.since !== null
      ? [
          [
            'paused',
            `deletes of ${rule} → ${destination} since ${since(brake.since, state.at)} → npx s3-replicator brake status`,
          ] as const,
        ]
      : []),
  ]),
  ...listed(state.runs, (runs) => runs.map((run) => ['runs', runText(run)])),
  ...listed(state.transfers, transferSection),
  ...deadLetterSection(state),
  ...listed(state.alarms, (alarms) =>
    alarms.map(({ alarm, state: value, since: from, command }) => [
      'alarms',
      `${alarm}${value === 'ALARM' ? '' : ' has no data'}${from === null ? '' : ` since ${since(from, state.at)}`}${command === null ? '' : ` → ${command}`}`,
    ]),
  ),
  ...verifySection(state),
  ...scheduleSection(state),
  ...missingPermissions(state).map((action): Section => ['?', `not readable: permission ${action}`]),
  ...nextSection(state, behind),
];

const listed = <Value extends object>(
  value: Readable<Value>,
  sectionsOf: (known: Exclude<Value, NotReadable>) => Section[],
): Section[] => (isReadable(value) ? sectionsOf(value) : []);

/** Times within the last day are shown without a date. */
const since = (iso: string, at: string): string =>
  Date.parse(at) - Date.parse(iso) < 86_400_000 ? iso.slice(11, 16) : iso.slice(0, 16).replace('T', ' ');

const runText = ({
  run,
  rule,
  phase,
  keysDone,
  keysInAll,
  bytesDone,
  bytesInAll,
  secondsLeft,
  opens,
  failure,
}: RunSummary): string => {
  if (failure !== null)
    return `${rule} ${run}  failed: ${failure.reason} → npx s3-replicator backfill status ${run}`;
  const share =
    bytesInAll === null || bytesInAll === 0 ? portion(keysDone, keysInAll) : portion(bytesDone, bytesInAll);
  const amount =
    bytesInAll === null || bytesInAll === 0
      ? `${countText(keysDone)}${keysInAll === null ? '' : ` of ${countText(Math.max(keysDone, keysInAll))}`} keys`
      : `${byteText(bytesDone)} of ${byteText(Math.max(bytesDone, bytesInAll))}`;
  const left =
    opens !== null
      ? `, waits for its hours until ${minuteOf(opens)} UTC`
      : secondsLeft === null
        ? ''
        : `, ${duration(secondsLeft)} left`;
  return `${rule} ${run}  ${phase} ${share}${amount}${left}`;
};

const portion = (done: number, all: number | null): string =>
  all === null || all === 0 ? '' : `${Math.min(100, Math.floor((done / all) * 100))} % `;

const transferSection = (transfers: readonly TransferState[]): Section[] => {
  const [first] = transfers;
  if (first === undefined) return [];
  const { key, partsDone, parts } = first;
  return [
    [
      'transfers',
      `${countText(transfers.length)}: ${shorten(printable(key), 36)}  ${countText(partsDone)}/${countText(parts)} parts`,
    ],
  ];
};

const deadLetterSection = ({ deadLetters }: DeploymentState): Section[] => {
  const count = messagesIn(deadLetters.live);
  return count === 0 ? [] : [['letters', `${countOf(count, 'dead letter')} → npx s3-replicator dlq list`]];
};

const verifySection = ({ rules, at }: DeploymentState): Section[] => {
  const verified = rules.flatMap(({ rule, destination, lastVerify }): Section[] => {
    if (!isReadable(lastVerify)) return [];
    if (lastVerify === null) return [['verified', `${rule} → ${destination}: never`]];
    const ago = duration((Date.parse(at) - Date.parse(lastVerify.ended)) / 1_000);
    return [['verified', `${rule} → ${destination} ${ago} ago: ${lastVerify.agrees ? 'agrees' : 'differs'}`]];
  });
  // If there are many destinations, only those that do not agree are shown.
  return verified.length <= 4 ? verified : verified.filter(([, text]) => !text.endsWith('agrees'));
};

/** Shows the schedules whose last verify was not started or has a bad verdict, and after them the next verify. */
const scheduleSection = ({ rules }: DeploymentState): Section[] => {
  const scheduled = rules.flatMap(({ rule, destination, verify }) =>
    isReadable(verify) && verify !== null ? [{ place: `${rule} → ${destination}`, ...verify }] : [],
  );
  const failed = scheduled.flatMap(({ place, last }): Section[] =>
    last === null || last.kind === 'started'
      ? []
      : [['verify', `${place} ${last.kind} ${minuteOf(last.at)}: ${printable(last.detail)}`]],
  );
  const [first] = scheduled
    .filter(({ next }) => next !== null)
    .toSorted((one, other) => ((one.next ?? '') < (other.next ?? '') ? -1 : 1));
  return first === undefined
    ? failed
    : [...failed, ['verify', `next: ${first.place} at ${minuteOf(first.next ?? '')} UTC`]];
};

const minuteOf = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

const nextSection = (state: DeploymentState, [worst]: readonly RuleState[]): Section[] => {
  if (worst !== undefined) return [['next', `npx s3-replicator doctor --rule ${worst.rule}`]];
  return deadLetterSection(state).length > 0 ? [['next', 'npx s3-replicator dlq list']] : [];
};
