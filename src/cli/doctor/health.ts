/** The sixth group: the state of the deployment, read by the same code as for `status`. */
import { createStateSources } from '../../lib/aws/state-sources.ts';
import { ruleDestinations } from '../../lib/model/rule.ts';
import {
  type DeploymentState,
  isReadable,
  type QueueState,
  type RuleState,
} from '../../lib/state/deployment-state.ts';
import { createStateReader } from '../../lib/state/read-state.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { duration, shortDuration } from '../../lib/text/duration.ts';
import { accountOf, type Context } from './context.ts';
import { type Finding, findingsOf, NO_CREDENTIALS } from './finding.ts';
import type { Fix } from './fix.ts';
import { HEALTH_CAUSES } from './health-causes.ts';

const { ok, found, notChecked } = findingsOf('health', HEALTH_CAUSES);

export const healthFindings = async (context: Context): Promise<Finding[]> => {
  if (!context.isDeployed) return [];
  if (context.identity === null) return [notChecked(NO_CREDENTIALS)];
  const { names, region, now } = context;
  // The messages of the queues are divided among all rules, even if the report is about only one rule.
  const pairs = ruleDestinations(context.whole.replication);
  const reader = createStateReader(createStateSources(names, region), {
    stack: names.stack,
    region,
    pairs,
    now,
  });
  try {
    return healthOf(context, await reader.read());
  } catch (error) {
    return [notChecked(error instanceof Error ? error.message : String(error))];
  }
};

export const healthOf = (context: Context, state: DeploymentState): Finding[] => {
  const chosen = context.configuration.replication.rules.map(({ id }) => id);
  const rules = state.rules.filter(({ rule }) => chosen.includes(rule));
  return [
    ...queueFindings(context, state),
    ...deadLetterFindings(context, state),
    ...rules.flatMap((rule) => ruleFindings(context, rule)),
    ...workFindings(context, state, chosen),
    ...alarmFindings(context, state),
    ...unreadable(state),
  ];
};

const command = (context: Context, text: string): Fix => {
  const { stage } = context.whole.deployment;
  const options = stage === 'prod' ? '' : ` --stage ${stage}`;
  return { kind: 'command', account: accountOf(context), command: `npx s3-replicator ${text}${options}` };
};

const queueFindings = (context: Context, { queues, rules }: DeploymentState): Finding[] => {
  const { messages, oldestSeconds } = queues.live;
  if (!isReadable(messages)) return [];
  const limitSeconds = context.whole.stack.alarms.oldestMessageMinutes * 60;
  const age = isReadable(oldestSeconds) ? (oldestSeconds ?? 0) : 0;
  if (messages.visible > 0 && age > limitSeconds)
    return [
      found('behind', {
        text: `the live queue is behind: ${countOf(messages.visible, 'message')}, the oldest ${duration(age)} old`,
        fix: command(context, 'dlq list'),
      }),
    ];
  const lags = rules.flatMap(({ lag }) => (isReadable(lag) && lag !== null ? [lag] : []));
  const slowest = lags.toSorted((a, b) => b.p99Seconds - a.p99Seconds)[0];
  const lag =
    slowest === undefined
      ? ''
      : `, lag p50 ${shortDuration(slowest.p50Seconds)} p99 ${shortDuration(slowest.p99Seconds)}`;
  return [ok(`live queue ${messages.visible}${lag}`)];
};

const deadLetterFindings = (context: Context, { deadLetters, rules }: DeploymentState): Finding[] => {
  const failed = rules.reduce(
    (sum, { failedLastHour }) => sum + (isReadable(failedLastHour) ? failedLastHour : 0),
    0,
  );
  const count = visibleIn(deadLetters.live);
  const reasons = rules.flatMap(({ failureReason }) =>
    isReadable(failureReason) && failureReason !== null ? [failureReason] : [],
  );
  const why = reasons.length === 0 ? '' : ` (${[...new Set(reasons)].join(', ')})`;
  const growing = failed > 0 ? `, growing: ${countOf(failed, 'failure')} in the last hour${why}` : '';
  const others = [
    ['runs', visibleIn(deadLetters.ranges)],
    ['transfers', visibleIn(deadLetters.transfers)],
  ] as const;
  return [
    ...(count === 0
      ? []
      : [
          found('dead-letters', {
            text: `${countOf(count, 'dead letter')}${growing}`,
            fix: command(context, 'dlq list'),
          }),
        ]),
    ...others
      .filter(([, letters]) => letters > 0)
      .map(([kind, letters]) =>
        found('function-crashed', {
          text: `${countOf(letters, 'message')} of ${kind} given up, because the function crashed again and again`,
          fix: command(context, kind === 'runs' ? 'backfill list' : 'transfers list'),
        }),
      ),
  ];
};

const visibleIn = ({ messages }: QueueState): number => (isReadable(messages) ? messages.visible : 0);

const ruleFindings = (context: Context, state: RuleState): Finding[] => {
  const { rule, destination, avoided, brake, lastVerify, verify: schedule } = state;
  const where = `${rule} → ${destination}`;
  const verify = isReadable(lastVerify) ? lastVerify : null;
  return [
    ...(isReadable(avoided) && avoided !== null
      ? [
          found('destination-avoided', {
            text: `${where} is avoided since ${avoided.since}: ${avoided.reason}`,
            fix: command(context, `waiting list --rule ${rule}`),
          }),
        ]
      : []),
    ...(isReadable(brake) && brake.state === 'closed'
      ? [
          found('deletes-paused', {
            text: `deletes of ${where} are paused since ${brake.since ?? 'unknown'}: ${brake.why ?? ''}`,
            fix: command(context, `brake status --rule ${rule}`),
          }),
        ]
      : []),
    ...(isReadable(schedule) &&
    schedule !== null &&
    schedule.last !== null &&
    schedule.last.kind !== 'started'
      ? [
          found('verify-not-started', {
            text: `the verify of ${where} that was due ${schedule.last.at} was ${schedule.last.kind}: ${schedule.last.detail}`,
            fix: command(context, `verify start --rule ${rule}`),
          }),
        ]
      : []),
    ...(verify === null
      ? []
      : [
          verify.agrees
            ? ok(`${where} verified ${ageText(context, verify.ended)} ago: agrees`)
            : found('verify-differs', {
                text: `the last verify of ${where} found differences: ${verify.verdict}`,
                fix: command(context, `verify start --rule ${rule} --repair`),
              }),
        ]),
  ];
};

const ageText = ({ now }: Context, iso: string): string => duration((now() - Date.parse(iso)) / 1_000);

const workFindings = (context: Context, state: DeploymentState, chosen: readonly string[]): Finding[] => {
  const runs = isReadable(state.runs) ? state.runs : [];
  const transfers = isReadable(state.transfers) ? state.transfers : [];
  return [
    ...runs
      .filter(({ rule, failure }) => chosen.includes(rule) && failure !== null)
      .map(({ run, failure }) =>
        found('run-failed', {
          text: `run ${run} has failed: ${failure?.reason ?? ''}`,
          fix: command(context, `backfill status ${run}`),
        }),
      ),
    ...transfers
      .filter((transfer) => chosen.includes(transfer.rule) && transfer.state === 'failed')
      .map(({ bucket, key }) =>
        found('transfer-failed', {
          text: `the transfer of s3://${bucket}/${key} needs a person`,
          fix: command(context, 'transfers list'),
        }),
      ),
  ];
};

const alarmFindings = (context: Context, { alarms }: DeploymentState): Finding[] =>
  (isReadable(alarms) ? alarms : [])
    .filter(({ state }) => state === 'ALARM')
    .map(({ alarm, since, command: shown }) =>
      found('alarm', {
        text: `alarm ${alarm}${since === null ? '' : ` since ${since}`}`,
        fix: { kind: 'command', account: accountOf(context), command: shown ?? 'npx s3-replicator dlq list' },
      }),
    );

/** Returns the permissions that the caller lacks to read the state, each once. */
const unreadable = ({ alarms, runs, transfers, queues, rules }: DeploymentState): Finding[] => {
  const parts: unknown[] = [
    alarms,
    runs,
    transfers,
    queues.live.messages,
    ...rules.flatMap(({ lag, avoided, brake }) => [lag, avoided, brake]),
  ];
  const permissions = parts.flatMap((part) =>
    typeof part === 'object' && part !== null && 'notReadable' in part ? [String(part.notReadable)] : [],
  );
  return [...new Set(permissions)].map((permission) => notChecked(`state: you may not ${permission}`));
};
