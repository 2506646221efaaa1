/** The heartbeat of a run. While the run is active, each tick sends the next tick, and sends lost messages of ranges again. */
import { advance, isQuiet } from './phases.ts';
import type { RunDeps, RunMessage } from './ports.ts';
import type { RunRecord } from './run-store.ts';
import { isActive } from './run.ts';

type TickMessage = Extract<RunMessage, { kind: 'tick' }>;

/** How long a range may make no progress before its message counts as lost. No invocation takes that long. */
const LOST_AFTER_MS = 16 * 60_000;
const FIRST_DELAY_SECONDS = 15;
const LONGEST_DELAY_SECONDS = 60;
/**
 * The delay between ticks is the age of the run divided by this number. So ticks are frequent while the run is young and rare
 * once it is old.
 */
const AGE_PER_DELAY = 20;

/** Handles a tick. Throws what the ports throw; the message must then be delivered again. */
export const tick = async (message: TickMessage, deps: RunDeps): Promise<void> => {
  const before = await deps.store.load(message.run);
  if (before?.tick !== message.tick) return;
  const run = await advance(message.run, deps);
  if (run === null || !isActive(run)) return;
  await sendLostRanges(run, deps);
  const delaySeconds = delayOf(run, deps.clock.now());
  const next = newTick(deps);
  // The next tick is sent before it is recorded. After a crash between the two steps, the sent tick is ignored because it was not
  // recorded, and the present message is delivered again.
  await deps.queues.send([{ kind: 'tick', run: run.id, tick: next }], delaySeconds);
  await noteTick(run.id, message.tick, next, deps);
};

export const newTick = ({ random, clock }: Pick<RunDeps, 'random' | 'clock'>): string =>
  `${clock.now().toString(36)}-${random().toString(36).slice(2, 10)}`;

const noteTick = async (id: string, last: string, next: string, deps: RunDeps): Promise<void> => {
  let emptyLooks: number | null = null;
  for (;;) {
    const run = await deps.store.load(id);
    if (run?.tick !== last) return;
    if (run.work === 'copying') emptyLooks ??= (await isQuiet(run, deps)) ? run.emptyLooks + 1 : 0;
    if (await deps.store.change(run, { tick: next, emptyLooks: emptyLooks ?? 0 })) return;
  }
};

const sendLostRanges = async (run: RunRecord, { store, queues, clock }: RunDeps): Promise<void> => {
  if (run.openRanges === 0) return;
  for (const { range, movedMs } of await store.openRanges(run)) {
    if (clock.now() - movedMs < LOST_AFTER_MS) continue;
    await queues.send([{ kind: 'range', run: run.id, epoch: run.epoch, from: range.from }]);
    await store.touch(run.id, run.epoch, range, clock.now());
  }
};

const delayOf = ({ createdMs }: RunRecord, nowMs: number): number =>
  Math.min(
    LONGEST_DELAY_SECONDS,
    Math.max(FIRST_DELAY_SECONDS, Math.floor((nowMs - createdMs) / 1_000 / AGE_PER_DELAY)),
  );
