/** A verify that begins by its schedule, on the packaged stack. It takes a minute, so only the soak and `DRAW=all` run it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seen } from './support/objects.ts';
import { cli } from './support/queues.ts';
import { PLAYS_ALL } from './support/seed.ts';
import { replicationFileOf } from './support/stages/packaged.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

let stage: Stage;
beforeAll(async () => {
  if (PLAYS_ALL) stage = await startStage({ configuration: replicationFileOf('recipes'), sourceBuckets: {} });
});
afterAll(async () => {
  await stage?.stop();
});

const replica = (key: string) => seen(stage.destination.s3(), 'uploads-replica', key);
interface ListedRun {
  id: string;
  phase: string;
  spec: { kind: string; scheduled?: object };
  checked: { missing: number } | null;
}

const runs = async (): Promise<ListedRun[]> => {
  const { stdout } = await cli(stage, 'backfill', 'list', '--json');
  const parsed: ListedRun[] = JSON.parse(stdout);
  return parsed;
};

/** The last value of the metric on which the alarm stands. */
const failing = (): number | null => {
  const lines = stage.logs.flatMap(({ line }) => /"VerifiesFailing":(\d+)/.exec(line)?.[1] ?? []);
  const last = lines.at(-1);
  return last === undefined ? null : Number(last);
};

/** Lets the time of the local AWS pass minute by minute until the condition holds. */
const untilHolds = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let minutes = 0; minutes < 60; minutes += 1) {
    if (await holds()) return;
    stage.aws.clock.advance(60_000);
    await sleep(300);
  }
  throw new Error(`it does not get there: ${JSON.stringify(await runs())}`);
};

test.runIf(PLAYS_ALL)(
  'a scheduled verify finds a lost object without a person, and its alarm ends with the repair',
  async () => {
    await stage.put('uploads', 'clean', 'body');
    expect(await settled(stage)).toBe(true);
    await untilHolds(() => failing() === 0);
    const lost = await replica('clean');
    await stage.destination
      .s3()
      .send(new DeleteObjectCommand({ Bucket: 'uploads-replica', Key: 'clean', VersionId: lost?.VersionId }));
    const nowMs = stage.aws.clock.now();
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const today = Date.parse(`${day}T03:00:00Z`);
    stage.aws.clock.advance((today > nowMs ? today : today + 86_400_000) - nowMs);
    await untilHolds(async () => (await runs())[0]?.phase === 'finished');
    const [run] = await runs();
    expect(run).toMatchObject({
      spec: { kind: 'verify', scheduled: { dollars: 10 } },
      checked: { missing: 1 },
    });
    await untilHolds(() => failing() === 1);
    const status = await cli(stage, 'status');
    expect(status.stdout).toMatch(/verified +clean → uploads-replica .* ago: differs/);
    expect(status.stdout).toMatch(/verify +next: clean → uploads-replica at .* 03:00 UTC/);

    expect(
      (await cli(stage, 'verify', 'start', '--rule', 'clean', '--repair', '--yes', '--estimate', 'none'))
        .exitCode,
    ).toBe(0);
    await untilHolds(async () => (await runs())[0]?.phase === 'finished');
    expect(await replica('clean')).not.toBeNull();
    await untilHolds(() => failing() === 0);
  },
);
