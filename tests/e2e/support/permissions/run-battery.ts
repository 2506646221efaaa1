/** Starts runs that do every kind of work of a run, and observes the results. The loss of a permission changes the observation. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { formatHint } from '../../../../src/lib/hint/hint.ts';
import type { RunRecord } from '../../../../src/lib/runs/run-store.ts';
import { atRest } from '../at-rest.ts';
import { seen } from '../objects.ts';
import { missing, populate, populateAlike } from './run-objects.ts';
import { announced, itemsOf, reported, withTable } from './run-traces.ts';
import { sendAs } from '../queues.ts';
import { messagesOf, REGION, type Stage } from '../stages/stage.ts';

export interface RunObservation {
  /** Actions that IAM refused to the function while it started runs and listed them. */
  unanswered: string[];
  /** By rule, how its run ended. If the run has not ended within two minutes, the value is the run's phase. */
  runs: Record<string, string>;
  /** Names of objects whose replica is missing or has other bytes. */
  missing: string[];
  /** Number of keys that the replicate function has reported to the runs as done. */
  counted: number;
  /** Whether a hint of a cancelled run is dropped. */
  isLetGo: boolean;
  /** `<key>: <difference>` for each line in the files of differences. */
  differences: string[];
  /** Rules whose runs have a complete report. */
  reports: string[];
  /** `<rule>: <phase>` for each message to the topic of runs. */
  announced: string[];
  /** Whether log lines reach CloudWatch. */
  logged: boolean;
}

const RULES = ['bridged', 'notified', 'tagged'] as const;

export const ending = (how: string): Record<string, string> =>
  Object.fromEntries(RULES.map((rule) => [rule, how]));
export const announcing = (how: string): string[] => RULES.map((rule) => `${rule}: ${how}`);

/** The observation of a complete deployment after a backfill. */
export const BACKFILL_IS_WELL: RunObservation = {
  unanswered: [],
  runs: ending('finished'),
  missing: [],
  counted: 4,
  isLetGo: true,
  differences: ['extra: extra'],
  reports: [...RULES],
  announced: announcing('finished'),
  logged: true,
};
/** The observation of a complete deployment after a verify. A verify changes nothing at the destination. */
export const VERIFY_IS_WELL: RunObservation = {
  ...BACKFILL_IS_WELL,
  missing: ['bridged', 'missing', 'replaced', 'tagged'],
  counted: 0,
  differences: [
    'bridged: missing',
    'extra: extra',
    'missing: missing',
    'replaced: different',
    'tagged: missing',
  ],
};

/** The observation of a complete deployment after a verify of all attributes, some of which differ. */
export const ATTRIBUTES_ARE_WELL: RunObservation = {
  ...VERIFY_IS_WELL,
  differences: [
    ...VERIFY_IS_WELL.differences,
    'granted: attributes',
    'grantedbridged: attributes',
    'held: attributes',
    'retagged: attributes',
    'retaggedbridged: attributes',
    'retained: attributes',
  ].toSorted(),
};

export interface RunBatteryOptions {
  kind: 'backfill' | 'verify';
  /** Whether the runs also compare attributes that listings do not show. */
  withAttributes?: boolean;
}

/**
 * Starts runs, and observes which objects they replicate. The keys contain `run`, so that each call has its own keys. Events do not reach
 * the stack, so only the runs can replicate the objects.
 */
export const runBattery = async (
  stage: Stage,
  run: string,
  options: RunBatteryOptions,
): Promise<RunObservation> => {
  const { aws, names } = stage;
  const queues = [names.rangesQueue, names.backfillQueue].map((name) => messagesOf(aws, name));
  for (const queue of [...queues, messagesOf(aws, 'announcements')]) queue.purge();
  const firstLine = stage.logs.length;
  await populate(stage, run);
  if (options.withAttributes) await populateAlike(stage, run);
  // A run checks a recently changed object again and again. Therefore the clock is moved first.
  aws.clock.advance(2_000);
  const isLetGo = options.kind === 'backfill' ? await letsGo(stage, run) : async () => true;
  // The messages of ranges are delayed until the counts are lost. Otherwise a run could finish its work and end before that.
  await delayRanges(stage, options.kind === 'backfill' ? 30 : 0);
  // The schedule may still tend runs that earlier permissions stopped, and the function's concurrency is small.
  const { busy } = aws.lambda.function(names.backfillFunction).pool();
  await stage.waitUntil('the backfill function is idle', async () => busy() === 0);
  const unanswered = await askFor(stage, run, options);
  const functions = [names.backfillFunction, names.replicateFunction];
  if (options.kind === 'backfill') await loseCounts(stage, run);
  await delayRanges(stage, 0);
  for (let minute = 0; minute < MINUTES[options.kind]; minute += 1) {
    await atRest(aws, { queues, functions }, { movedSeconds: 120 });
    const { runs } = await itemsOf(stage, run);
    if (runs.every(({ announced: isAnnounced }) => isAnnounced)) break;
    // The schedule tends the runs once a minute.
    aws.clock.advance(60_000);
    await sleep(100);
  }
  const table = await itemsOf(stage, run);
  return {
    unanswered,
    runs: Object.fromEntries(table.runs.map((each) => [each.spec.rule, outcomeOf(each)])),
    missing: await missing(stage, run),
    counted: table.counted,
    isLetGo: await isLetGo(),
    ...(await reported(stage, table.runs)),
    announced: await announced(stage, table.runs),
    logged: stage.logs.slice(firstLine).every(({ delivered }) => delivered),
  };
};

/**
 * Verifies all attributes of the objects that the event battery left under `run`. Returns `<key>: <difference>` for each
 * difference.
 */
export const differencesOf = async (stage: Stage, run: string): Promise<string[]> => {
  const { aws, names } = stage;
  aws.clock.advance(2_000);
  const payload = { kind: 'verify', rule: 'notified', prefix: `in/${run}/`, attributes: 'all' };
  await aws.lambda.function(names.backfillFunction).run(JSON.stringify(payload));
  const work = { queues: [messagesOf(aws, names.rangesQueue)], functions: [names.backfillFunction] };
  await atRest(aws, work, { movedSeconds: 120 });
  const { runs } = await itemsOf(stage, run);
  return (await reported(stage, runs)).differences;
};

/** Starts a run for each rule and lists all runs. Returns the actions that were refused. */
const askFor = async (
  { aws, names }: Stage,
  run: string,
  { kind, withAttributes = false }: RunBatteryOptions,
): Promise<string[]> => {
  const attributes = withAttributes ? 'all' : 'listed';
  const refused = new Set<string>();
  for (const payload of [
    { kind, rule: 'bridged', prefix: `${run}/`, versions: 'latest', attributes },
    { kind, rule: 'notified', prefix: `in/${run}/`, attributes },
    { kind, rule: 'tagged', prefix: `tagged/${run}/`, attributes },
    { action: 'list' },
  ]) {
    const answer = await aws.lambda.function(names.backfillFunction).run(JSON.stringify(payload));
    const [, action] = /not authorized to perform: (\S+)/.exec(answer.payload) ?? [];
    if (answer.functionError !== null) refused.add(action ?? answer.payload);
  }
  return [...refused];
};

/** How many times the schedule tends the runs. This is enough for a backfill whose counts are lost. */
const MINUTES = { backfill: 6, verify: 4 };

const delayRanges = async ({ source, aws, names }: Stage, seconds: number): Promise<void> => {
  const QueueUrl = aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${names.rangesQueue}`);
  const Attributes = { DelaySeconds: String(seconds) };
  await source.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
};

/**
 * Makes each run expect one more hint than it sent, as if the outcome of one hint had never been counted. The runs then check the queue and
 * the transfers before they compare both sides.
 */
const loseCounts = async (stage: Stage, run: string): Promise<void> => {
  const { runs } = await itemsOf(stage, run);
  for (const { id } of runs)
    await withTable(stage, (client) =>
      client.send(
        new PutCommand({ TableName: stage.names.runsTable, Item: { run: id, item: 'count#lost', sent: 1 } }),
      ),
    );
};

/** Sends a hint of a cancelled run. Returns a function that resolves to whether the hint was dropped. */
const letsGo = async (stage: Stage, run: string): Promise<() => Promise<boolean>> => {
  const { source, destination, names } = stage;
  const [key, id] = [`${run} cancelled`, `cancelled ${run}`];
  await source.s3().send(new PutObjectCommand({ Bucket: 'bridged', Key: key, Body: 'x' }));
  await withTable(stage, (client) =>
    client.send(
      new PutCommand({ TableName: names.runsTable, Item: { run: id, item: 'run', phase: 'cancelled' } }),
    ),
  );
  const hint = { bucket: 'bridged', key, versionId: null, sizeBytes: 1, kind: 'hint', identity: id };
  const rule = stage.configuration.replication.rules.find(({ id: name }) => name === 'bridged');
  const destinationId = rule?.destinations[0]?.id ?? null;
  await sendAs(stage, {
    role: names.replicateRole,
    queue: names.backfillQueue,
    body: formatHint({ ...hint, principalId: null, rule: 'bridged', destination: destinationId, run: id }),
  });
  return async () => (await seen(destination.s3(), 'plain-replica', `bridged/${key}`)) === null;
};

const outcomeOf = ({ phase, failure }: RunRecord): string =>
  failure === null ? phase : `${phase}: ${failure.reason}`;
