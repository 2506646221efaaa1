/**
 * A backfill of the packaged stack replicates buckets that were filled long before the deployment, and proves that the replicas
 * equal their sources. Meanwhile other clients write, functions are killed, messages arrive twice, and runs are paused and resumed.
 *
 * The test title contains the seed. BACKFILL_VERSIONS=100000 sets the number of versions and prints the time of each step.
 */
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, test } from 'vitest';
import type { Run } from '../../src/lib/runs/run.ts';
import { keepChanging, plant, type Population, populationOf } from './support/backfill/population.ts';
import { createTimes, tell, type Times } from './support/backfill/times.ts';
import { currentOf, historiesIn, inOrder, type Truth, truthOf } from './support/backfill/truth.ts';
import { deadLetters, sendAs } from './support/queues.ts';
import { type RunsStage, type ShownRun, startRunsStage } from './support/stages/runs.ts';
import { PLAYS_ALL, PROPERTY_SEED } from './support/seed.ts';

const VERSIONS = Number(process.env['BACKFILL_VERSIONS'] ?? 48);
/** Maximum real time of each wait. A busy machine may need most of this time. */
const LIMIT_MS = 200_000 + VERSIONS * 30;

const RULES = ['current', 'whole'] as const;
type RuleName = (typeof RULES)[number];

let stage: RunsStage | undefined;
afterEach(async () => {
  await stage?.stop();
});

test(
  `the reports of runs over ${VERSIONS} objects and versions state the truth, with seed ${PROPERTY_SEED}`,
  async () => {
    const times = createTimes();
    tell(`seed ${PROPERTY_SEED}`);
    const population = populationOf(VERSIONS, PROPERTY_SEED);
    const { current, already, extra, whole } = population;
    const started = await startRunsStage(async ({ aws, source }) => {
      await plant(aws, source.s3(), 'current', current);
      await plant(aws, source.s3(), 'whole', whole);
    });
    stage = started;
    await plant(started.aws, started.destination.s3(), 'current-replica', [...already, ...extra]);
    times.note('planted');

    await expectBackfilled(started, population, times);
    if (PLAYS_ALL) await expectAgreementWhileOthersWrite(started, population, times);
    await expectDifferencesFound(started, times);
    tell(times.text(started));
  },
  10 * LIMIT_MS,
);

const expectBackfilled = async (on: RunsStage, population: Population, times: Times): Promise<void> => {
  await using changing = keepChanging(on.source.s3(), population, PROPERTY_SEED);
  const ids = await startAll(on, 'backfill');
  const killed = killRepeatedly(on);
  for (const id of ids) await sendTwice(on, id);

  const pausedWhen = (holds: (run: ShownRun) => boolean): Promise<void[]> =>
    Promise.all(
      ids.map(async (id) => {
        await on.until(id, (run) => run.phase === 'finished' || holds(run), LIMIT_MS);
        await pause(on, id);
      }),
    );
  await pausedWhen(({ compared }) => (compared?.keys ?? 0) > 0);
  await resume(on, ids);
  times.note('compared in part');
  await pausedWhen((run) => isAtCopying(run) && shareDone(run) > 0.7);
  times.note('copied in part');
  expect(killed()).toBeGreaterThan(2);
  // From now on the source does not change.
  expect(await changing.stop()).toBeGreaterThan(10);
  on.aws.faults.plan = undefined;
  await on.untilQuiet(LIMIT_MS);
  await resume(on, ids);
  const runs = await allOver(on, ids);
  times.note(
    `backfilled: ${runs.map(({ copied }) => `${copied.done} keys, ${copied.copies} versions`).join('; ')}`,
  );

  const archived = population.current.filter(({ isArchived }) => isArchived).map(({ key }) => key);
  const truths = await expectTruth(on, runs);
  // Objects that somebody else put there before are not provably ours, so they stay when their source object is deleted.
  const foreign = new Set(population.already.map(({ key }) => key));
  const isLeft = ([key, difference]: [string, string]): boolean => difference === 'extra' && foreign.has(key);
  expect(truths.current.differences.filter((each) => !isLeft(each))).toEqual(
    inOrder([
      ...population.extra.map(({ key }): [string, string] => [key, 'extra']),
      ...archived.map((key): [string, string] => [key, 'missing']),
    ]),
  );
  expect(truths.whole.differences).toEqual([]);
  const letters = await deadLetters(on);
  expect(new Set(letters.map(({ attributes }) => decodeURIComponent(attributes['key'] ?? '')))).toEqual(
    new Set(archived),
  );
  times.note('truth looked up');
};

const expectAgreementWhileOthersWrite = async (
  on: RunsStage,
  population: Population,
  times: Times,
): Promise<void> => {
  const before = await truthsOf(on);
  await using changing = keepChanging(on.source.s3(), population, PROPERTY_SEED + 1);
  const runs = await allOver(on, await startAll(on, 'verify'));
  await changing.stop();
  times.note('verified while others wrote');
  for (const [index, rule] of RULES.entries()) {
    const run = runs[index];
    if (run === undefined) throw new Error('there is no run');
    expect(await rowsOf(on, run), rule).toEqual(before[rule].differences);
  }
  await on.untilQuiet(LIMIT_MS);
};

/** Changes replicas, then runs a verify and expects it to report exactly the actual differences. */
const expectDifferencesFound = async (on: RunsStage, times: Times): Promise<void> => {
  await tamper(on, 'current', '');
  await tamper(on, 'whole', 'copy/');
  const runs = await allOver(on, await startAll(on, 'verify'));
  times.note('verified');
  const { current, whole } = await expectTruth(on, runs);
  const kinds = (truth: Truth): Set<string> => new Set(truth.differences.map(([, difference]) => difference));
  expect(kinds(current)).toEqual(new Set(['missing', 'different', 'extra']));
  expect(kinds(whole)).toEqual(new Set(['missing', 'different', 'extra', 'history-shorter']));
};

/**
 * Changes keys that agree: deletes all versions of one key, overwrites another, and for rule `whole` also deletes the oldest
 * version of a third. Adds a key that the source does not have.
 */
const tamper = async (on: RunsStage, rule: RuleName, prefix: string): Promise<void> => {
  const [s3, Bucket] = [on.destination.s3(), `${rule}-replica`];
  const known = new Set((await truthsOf(on))[rule].differences.map(([key]) => key));
  const alike = [...(await historiesIn(on.source.s3(), rule))].filter(
    ([key, states]) => states.at(-1)?.etag !== null && !known.has(key),
  );
  const remove = async (name: string, isMeant: (index: number, count: number) => boolean): Promise<void> => {
    const Key = prefix + name;
    const { Versions: listed = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    const versions = listed.filter((version) => version.Key === Key);
    for (const [index, { VersionId }] of versions.entries())
      if (isMeant(index, versions.length)) await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
  };
  const [gone, other] = alike.map(([key]) => key);
  const [old] = alike.findLast(([, states]) => states.length > 2) ?? [];
  await remove(gone ?? '', () => true);
  if (rule === 'whole') await remove(old ?? '', (index, count) => index === count - 1);
  for (const Key of [prefix + other, `${prefix}in/extra`])
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'of somebody else' }));
};

const startAll = async (on: RunsStage, kind: 'backfill' | 'verify'): Promise<string[]> => {
  const ids: string[] = [];
  for (const rule of RULES) ids.push((await on.ask({ kind, rule })).id);
  return ids;
};

const allOver = async (on: RunsStage, ids: string[]): Promise<ShownRun[]> => {
  const runs: ShownRun[] = [];
  for (const id of ids) runs.push(await on.untilOver(id, LIMIT_MS));
  for (const run of runs) expect(run).toMatchObject({ phase: 'finished', failure: null });
  return runs;
};

/** Pauses the run, unless it has finished already. */
const pause = async (on: RunsStage, id: string): Promise<void> => {
  await on.ask({ action: 'pause', run: id }).catch(() => undefined);
  const { phase } = await on.ask({ action: 'status', run: id });
  expect(['paused', 'finished']).toContain(phase);
};

/**
 * Resumes the paused runs that are still comparing or copying. Replaces the rest by new runs, because those old runs may have
 * checked keys that other clients changed later.
 */
const resume = async (on: RunsStage, ids: string[]): Promise<void> => {
  for (const [index, run] of ids.entries()) {
    const { phase, work } = await on.ask({ action: 'status', run });
    if (phase === 'paused' && work !== 'checking') {
      await on.ask({ action: 'resume', run });
      continue;
    }
    if (phase === 'paused') await on.ask({ action: 'cancel', run });
    ids[index] = (await on.ask({ kind: 'backfill', rule: RULES[index] })).id;
  }
};

const isAtCopying = ({ work }: Run): boolean => work !== 'comparing';

const shareDone = ({ compared, copied }: ShownRun): number => copied.done / (compared?.hints ?? 0);

/** Sends the message of a run's first range two more times, like SQS when it delivers a message again. */
const sendTwice = async (on: RunsStage, run: string): Promise<void> => {
  const { backfillRole: role, rangesQueue: queue } = on.names;
  const body = JSON.stringify({ run, epoch: 1, from: '' });
  for (let times = 0; times < 2; times += 1) await sendAs(on, { role, queue, body });
};

/**
 * Kills the two functions alternately while they work, at growing intervals. Calling the returned function gives the number of kills.
 */
const killRepeatedly = ({ aws, names }: RunsStage): (() => number) => {
  let requests = 0;
  let next = 20;
  let kills = 0;
  aws.faults.plan = ({ caller }) => {
    if (caller.kind !== 'session') return undefined;
    requests += 1;
    if (requests < next) return undefined;
    next *= 3;
    kills += 1;
    void aws.lambda.killEnvironments(kills % 2 === 1 ? names.backfillFunction : names.replicateFunction);
    return undefined;
  };
  return () => kills;
};

const truthsOf = async ({ source, destination }: RunsStage): Promise<Record<RuleName, Truth>> => {
  const [ours, theirs] = [source.s3(), destination.s3()];
  const current = await historiesIn(ours, 'current');
  const whole = await historiesIn(ours, 'whole');
  return {
    current: truthOf(
      currentOf(current, 'in/'),
      currentOf(await historiesIn(theirs, 'current-replica'), 'in/'),
    ),
    whole: truthOf(whole, await historiesIn(theirs, 'whole-replica', 'copy/')),
  };
};

/**
 * Lists both buckets of each rule. Expects that the run's report and the rows of its files show the same counts and differences.
 * Returns what the listings show.
 */
const expectTruth = async (on: RunsStage, runs: ShownRun[]): Promise<Record<RuleName, Truth>> => {
  const truths = await truthsOf(on);
  for (const [index, rule] of RULES.entries()) {
    const { keys, versions, bytes, differences } = truths[rule];
    const run = runs[index];
    if (run === undefined) throw new Error('there is no run');
    const count = (kind: string): number =>
      differences.filter(([, difference]) => difference === kind).length;
    const { checked } = await on.report(run);
    expect(checked, rule).toEqual(run.checked);
    expect(checked, rule).toMatchObject({
      keys,
      versions,
      bytes,
      missing: count('missing'),
      different: count('different'),
      historyShorter: count('history-shorter'),
      extra: count('extra'),
      attributes: 0,
      same: keys - count('missing') - count('different') - count('history-shorter'),
      hints: 0,
    });
    expect(await rowsOf(on, run), rule).toEqual(differences);
  }
  return truths;
};

const rowsOf = async (on: RunsStage, run: Run): Promise<[string, string][]> => {
  const { files, filesLeftOut } = await on.report(run);
  expect(filesLeftOut).toBe(0);
  const rows: [string, string][] = [];
  for (const { key } of files) {
    for (const [, quoted = '', difference = ''] of (await on.file(key)).matchAll(ROW))
      rows.push([quoted.replaceAll('""', '"'), difference]);
  }
  return inOrder(rows);
};

/** Matches a row: a quoted key, in which quotation marks are doubled, then the difference. */
const ROW = /^"((?:[^"]|"")*)",([a-z-]+),.*\r\n/gm;
