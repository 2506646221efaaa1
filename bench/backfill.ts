/**
 * Measures a whole backfill through the local AWS. The measurement includes both listings, the hints, and the replicas that the packaged
 * functions write.
 */
import { startTwoAccounts, type TwoAccounts } from '../demo/two-accounts.ts';
import type { Artifact } from './artifact.ts';
import { callsOf, type CallCounts, watchCalls } from './call-counts.ts';
import { SOURCE_BUCKET } from './configuration.ts';
import { cost, rate, type Section, value } from './figure.ts';

const SIZE_BYTES = 16 * 1024;
const RULE = 'latest';

/**
 * The functions share the machine with the local AWS, so only the CPU time of their own processes is meaningful. The rate in objects per
 * second is calculated from that CPU time, as if one vCPU did nothing else.
 */
export const measureBackfill = async (artifact: Artifact, isShort: boolean): Promise<Section> => {
  const [objects, rounds] = isShort ? [200, 1] : [3_000, 5];
  await using accounts = await startTwoAccounts({
    configuration: artifact.replicationFile,
    packaged: artifact.packaged,
    async before({ aws }) {
      for (let round = 0; round <= rounds; round += 1)
        for (let index = 0; index < objects; index += 1)
          aws.s3.createSparseObject({
            bucket: SOURCE_BUCKET,
            key: `${round}/${index}`,
            sizeBytes: SIZE_BYTES,
            seed: 1,
          });
    },
  });
  // The first run is not measured. It only gives V8 time to compile the code.
  await backfill(accounts, '0/', objects);
  const measured: Measured[] = [];
  for (let round = 1; round <= rounds; round += 1)
    measured.push(await backfill(accounts, `${round}/`, objects));
  const perObject = (cpuMs: (of: Measured) => number): number[] =>
    measured.map((each) => cpuMs(each) / objects);
  return {
    title: `Backfill of ${objects.toLocaleString('en-US')} objects of 16 KiB, versions: latest, everything on this machine`,
    figures: [
      rate(
        'objects per second and vCPU',
        'objects/s',
        measured.map(({ replicateMs, backfillMs }) => (objects * 1_000) / (replicateMs + backfillMs)),
      ),
      cost(
        'replicate function: CPU',
        'CPU-ms/object',
        perObject(({ replicateMs }) => replicateMs),
      ),
      cost(
        'backfill function: CPU',
        'CPU-ms/object',
        perObject(({ backfillMs }) => backfillMs),
      ),
      rate(
        'local AWS included: rate',
        'objects/s',
        measured.map(({ seconds }) => objects / seconds),
      ),
      ...callFigures(measured.at(-1)?.calls ?? new Map(), objects),
    ],
  };
};

const callFigures = (calls: CallCounts, objects: number) =>
  (['s3', 'dynamodb', 'sqs', 'sts', 'sns'] as const).flatMap((service) => {
    const all = [...calls].filter(([operation]) => operation.startsWith(`${service}:`));
    if (all.length === 0) return [];
    const { total } = callsOf(calls, service);
    return [
      value(`${NAMES[service]}, all`, 'calls/object', total / objects),
      ...all
        .toSorted(([, one], [, other]) => other - one)
        .map(([operation, count]) => value(`  ${operation}`, 'calls/object', count / objects)),
    ];
  });

const NAMES = { s3: 'S3', dynamodb: 'DynamoDB', sqs: 'SQS', sts: 'STS', sns: 'SNS' };

interface Measured {
  seconds: number;
  replicateMs: number;
  backfillMs: number;
  calls: CallCounts;
}

/** Measures from the start of the run until the last object is replicated. The run's final check is not included. */
const backfill = async (accounts: TwoAccounts, prefix: string, objects: number): Promise<Measured> => {
  const { aws, names, outcomes } = accounts;
  const functions = [names.replicateFunction, names.backfillFunction] as const;
  for (const name of functions) aws.lambda.resetUsage(name);
  const calls = watchCalls(accounts);
  let left = objects;
  const stopCounting = outcomes.subscribe(({ ending, key }) => {
    if (key?.startsWith(prefix) === true && ending === 'done') left -= 1;
  });
  try {
    const startedMs = performance.now();
    const run = await ask(accounts, { kind: 'backfill', rule: RULE, prefix });
    await accounts.waitUntil('every object is replicated', async () => left <= 0, { timeoutMs: 600_000 });
    const seconds = (performance.now() - startedMs) / 1_000;
    const isQuiet = async (): Promise<boolean> =>
      functions.every((name) => aws.lambda.function(name).pool().busy() === 0);
    await accounts.waitUntil('the functions are idle', isQuiet);
    const [replicateMs, backfillMs] = functions.map((name) => aws.lambda.usage(name).cpuMs);
    const counted = calls.stop();
    await ask(accounts, { action: 'cancel', run });
    return { seconds, replicateMs: replicateMs ?? 0, backfillMs: backfillMs ?? 0, calls: counted };
  } finally {
    calls.stop();
    stopCounting();
  }
};

/** Starts a run by invoking the backfill function directly. Returns the id of the run. */
const ask = async ({ aws, names }: TwoAccounts, request: object): Promise<string> => {
  const { payload } = await aws.lambda.function(names.backfillFunction).run(JSON.stringify(request));
  const answer: { runs?: { id: string }[] } = JSON.parse(payload);
  const id = answer.runs?.[0]?.id;
  if (id === undefined) throw new Error(`the backfill function named no run: ${payload}`);
  return id;
};
