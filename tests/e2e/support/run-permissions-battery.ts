/** A little of everything that runs do, and what it looks like in the end: the measure that missing permissions are judged by. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { SOURCE_ACCOUNT } from '../../../demo/two-accounts.ts';
import type { AwsRequest } from '@s3-replicator/local-aws';
import { formatHint } from '../../../src/lib/hint/hint.ts';
import type { RunRecord } from '../../../src/lib/runs/run-store.ts';
import { seen } from './objects.ts';
import { operationOf } from './operations.ts';
import { missing, populate, populateAlike } from './run-permissions-objects.ts';
import { announced, itemsOf, reported, withTable } from './run-permissions-traces.ts';
import { atRest, messagesOf, REGION, type Stage } from './stage.ts';

export interface RunObservation {
  /** What the function was refused while it was asked to start runs, and to list them. */
  unanswered: string[];
  /** How the run of each rule ended, or where it stands after two minutes. */
  runs: Record<string, string>;
  /** What is not at the destination. */
  missing: string[];
  /** Keys that the runs know to be replicated. */
  counted: number;
  /** Whether a hint is let go when its run was cancelled. */
  isLetGo: boolean;
  /** `<key>: <difference>` in the files of differences. */
  differences: string[];
  /** Rules of which there is a whole report. */
  reports: string[];
  /** What the topic was told: `<rule>: <phase>`. */
  announced: string[];
  /** Whether log lines reach CloudWatch. */
  logged: boolean;
}

const RULES = ['bridged', 'notified', 'tagged'] as const;

export const ending = (how: string): Record<string, string> =>
  Object.fromEntries(RULES.map((rule) => [rule, how]));
export const announcing = (how: string): string[] => RULES.map((rule) => `${rule}: ${how}`);

/** What it looks like when nothing is missing, after a backfill … */
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
/** … and after a verify, which changes nothing. */
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

/** … and after one that looks at all attributes, of which some differ. */
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
  /** Those that listings do not show are compared, too. */
  withAttributes?: boolean;
  /** The first message of each range fails once. */
  failing?: boolean;
}

/** Each has keys of its own, named after `run`. Events do not reach the stack: what there is was there before. */
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
  // What was changed just before a run is looked at again and again.
  aws.clock.advance(2_000);
  injectFaults(stage, options);
  const isLetGo = options.kind === 'backfill' ? await letsGo(stage, run) : async () => true;
  const unanswered = await askFor(stage, run, options);
  await atRest(aws, queues, [names.backfillFunction, names.replicateFunction], 120);
  aws.faults.plan = undefined;
  const table = await itemsOf(stage, run);
  return {
    unanswered,
    runs: Object.fromEntries(table.runs.map((each) => [each.spec.rule, outcomeOf(each)])),
    missing: await missing(stage, run),
    counted: table.counted,
    isLetGo: await isLetGo(),
    ...(await reported(stage, table.runs)),
    announced: await announced(stage),
    logged: stage.logs.slice(firstLine).every(({ delivered }) => delivered),
  };
};

/** What a verify of all attributes says of what the battery of events left under `run`: `<key>: <difference>`. */
export const differencesOf = async (stage: Stage, run: string): Promise<string[]> => {
  const { aws, names } = stage;
  aws.clock.advance(2_000);
  const payload = { kind: 'verify', rule: 'notified', prefix: `in/${run}/`, attributes: 'all' };
  await aws.lambda.function(names.backfillFunction).run(JSON.stringify(payload));
  await atRest(aws, [messagesOf(aws, names.rangesQueue)], [names.backfillFunction], 120);
  const { runs } = await itemsOf(stage, run);
  return (await reported(stage, runs)).differences;
};

/** Answers what was refused. */
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

const injectFaults = ({ aws }: Stage, { failing = false }: RunBatteryOptions): void => {
  // Each of three ranges is asked for three times before its message is left to the queue.
  let left = failing ? 9 : 0;
  aws.faults.plan = (request) => {
    if (!isOfBackfill(request)) return undefined;
    if (left === 0 || operationOf(request) !== 'dynamodb:GetItem') return undefined;
    left -= 1;
    return { kind: 'error', status: 500, code: 'InternalServerError' };
  };
};

const isOfBackfill = ({ caller }: AwsRequest): boolean =>
  caller.kind === 'session' && caller.arn.includes('-backfill/');

/** Sends a hint of a run that was cancelled. Answers what tells whether it was let go. */
const letsGo = async (stage: Stage, run: string): Promise<() => Promise<boolean>> => {
  const { source, destination, names, aws } = stage;
  const [key, id] = [`${run} cancelled`, `cancelled ${run}`];
  await source.s3().send(new PutObjectCommand({ Bucket: 'bridged', Key: key, Body: 'x' }));
  await withTable(stage, (client) =>
    client.send(
      new PutCommand({ TableName: names.runsTable, Item: { run: id, item: 'run', phase: 'cancelled' } }),
    ),
  );
  const hint = { bucket: 'bridged', key, versionId: null, sizeBytes: 1, kind: 'hint', identity: id };
  const rule = stage.configuration.replication.rules.find(({ id: name }) => name === 'bridged');
  await source.sqs.send(
    new SendMessageCommand({
      QueueUrl: aws.sqs.queueUrl(`arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${names.backfillQueue}`),
      MessageBody: formatHint({
        ...hint,
        principalId: null,
        rule: 'bridged',
        destination: rule?.destinations[0]?.id ?? null,
        run: id,
      }),
    }),
  );
  return async () => (await seen(destination.s3(), 'plain-replica', `bridged/${key}`)) === null;
};

const outcomeOf = ({ phase, failure }: RunRecord): string =>
  failure === null ? phase : `${phase}: ${failure.reason}`;
