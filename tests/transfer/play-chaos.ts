/** Plays random chaos in a world with transfers. */
import type { Scheduler } from 'fast-check';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { REPAIR } from '../../src/lib/hint/hint.ts';
import { Crash } from '../model/memory-receipts.ts';
import type { Gate } from '../model/memory-source.ts';
import { s3Event, testDestination } from '../model/settings.ts';
import { createTransferWorld, GIB, type Setting, type TransferWorld } from '../model/transfer-world.ts';
import type { Chaos, Move } from './chaos.ts';
import { hintOfRun, HOUR_MS } from './one-object.ts';

/**
 * Runs several functions at once and interleaves them at every call, until no work is left. Then lets a
 * week pass.
 */
export const playChaos = async (given: Chaos, scheduler: Scheduler): Promise<TransferWorld> => {
  const setting: Setting = { ...given.setting, rule: given.rule };
  const world = createTransferWorld(setting);
  const state = { isCalm: false, moving: true, denied: new Set<string>() };
  world.gate = gateOf(given, scheduler, state);
  const picks = [...given.picks];
  const repeats = [...given.repeats];
  const pick = (): number => picks.shift() ?? 0;
  const worker = async (kind: 'replicate' | 'work'): Promise<void> => {
    for (let idle = 0; idle < 3 || state.moving;) {
      await scheduler.schedule(Promise.resolve(), `receive ${kind}`);
      const queue = kind === 'work' ? world.ranges : world.live;
      const [next] = queue.visible;
      if (next !== undefined && repeats.shift() === true)
        queue.visible.push({ ...next, messageId: `${next.messageId}+` });
      if (!(await world[kind](pick()))) {
        idle += 1;
        if (given.expires) world.retry();
        else world.redeliver();
      }
    }
  };
  const late: string[] = [];
  const moves = (async () => {
    for (const [index, each] of given.moves.entries()) {
      for (let pause = given.pauses[index] ?? 0; pause > 0; pause--)
        await scheduler.schedule(Promise.resolve(), 'move');
      if (each.kind === 'deny') for (const call of each.calls) state.denied.add(`destination.${call}`);
      else late.push(...makeMove(world, setting, each, index));
    }
    for (const body of late) world.deliver(body);
    for (let sweep = 0; sweep < given.sweeps; sweep++) await world.sweep();
    state.moving = false;
  })();
  await scheduler.waitFor(
    Promise.all([
      moves,
      worker('replicate'),
      worker('replicate'),
      worker('work'),
      worker('work'),
      worker('work'),
    ]),
  );
  state.isCalm = true;
  await settle(world, () => state.denied.clear());
  return world;
};

/**
 * Lets 36 hours pass, with a sweep every hour, and then a week. For the first six hours nobody acts. Then an operator grants what is
 * denied, and redrives the dead-letter queue every hour. After a day the operator also restores what is archived.
 */
const settle = async (world: TransferWorld, grant: () => void): Promise<void> => {
  await world.drain();
  let earlier = 0;
  for (let hour = 0; hour < 36; hour++) {
    if (hour === 1) earlier = world.dead.length;
    if (hour === 6) {
      expectFewLetters(world, earlier);
      grant();
    }
    if (hour === 24) expectNothingWaits(world);
    if (hour === 24) for (const version of world.source.versions('k')) version.sealed = null;
    if (hour >= 6) for (const { body } of world.dead.splice(0)) world.deliver(body);
    await world.drain();
    world.clock.nowMs += HOUR_MS;
    await world.sweep();
    await world.drain();
  }
  // A transfer that failed is kept for six days, even if its version was passed over and the next one replicated.
  world.clock.nowMs += 7 * 24 * HOUR_MS;
  await world.sweep();
  await world.drain();
};

/** Expects that a failure is reported once for each message, and perhaps once more after a crash, but not at every sweep. */
const expectFewLetters = ({ dead }: TransferWorld, earlier: number): void => {
  const added = dead.slice(earlier).map(({ body }) => body);
  const repeated = added.find((body) => added.filter((other) => other === body).length > 2);
  if (repeated !== undefined) throw new Error(`the same dead letter comes again and again: ${repeated}`);
};

/** Expects that the newest version does not wait for an older one that is archived. */
const expectNothingWaits = ({ source, replica }: TransferWorld): void => {
  const newest = source.current('k');
  if (newest !== null && newest.sealed === null && replica.current('k')?.bytes.equals(newest.bytes) !== true)
    throw new Error('the newest version is not replicated, although it can be read');
};

/** Returns the events that arrive later. */
const makeMove = (
  world: TransferWorld,
  setting: Setting,
  each: Exclude<Move, { kind: 'deny' }>,
  index: number,
): string[] => {
  const { source, replica, clock, transfers, receipts } = world;
  clock.nowMs += 2_000;
  switch (each.kind) {
    case 'put':
      return put(world, each, index);
    case 'delete':
      source.remove('k');
      return [];
    case 'forget': {
      if (source.versioning !== 'enabled') return [];
      const wasHidden = source.current('k') === null;
      source.forget('k', 0);
      // With `deletes: ignore` no event reports that an object reappears. The next hint for the key notices it.
      if (wasHidden) world.deliver(s3Event({ key: 'k', sequencer: `back ${index}`, sizeBytes: GIB }));
      return [];
    }
    case 'lose-table':
      transfers.records.clear();
      return [];
    case 'lose-receipts':
      receipts.clear();
      return [];
    case 'foreign':
      replica.put('k', Buffer.from('theirs'));
      // No event reports a write to the destination. The next hint for the key notices it.
      world.deliver(s3Event({ key: 'k', sequencer: `foreign ${index}`, sizeBytes: GIB }));
      return [];
    case 'run':
      world.deliver(hintOfRun(`run ${index}`, each.repairs ? REPAIR : 'hint'), 'backfill');
      return [];
    case 'stop-runs':
      for (let run = 0; run <= index; run++) world.runs.stopped.add(`run ${run}`);
      return [];
    case 'rename':
      setting.rule = {
        ...setting.rule,
        id: `rule ${index}`,
        destinations: [testDestination({ id: `destination ${index}` })],
      };
      return [];
    case 'archive':
      archiveOlder(source);
      return [];
    case 'tag': {
      const versionId = source.setTags('k', 0, { colour: `changed ${index}` });
      const name = 'ObjectTagging:Put';
      if (versionId !== null)
        world.deliver(s3Event({ key: 'k', versionId, sequencer: `tag ${index}`, name }));
      return [];
    }
  }
};

/** Returns the event of the put if it arrives later. */
const put = (
  { source, deliver }: TransferWorld,
  { sizes, form, isLate }: Extract<Move, { kind: 'put' }>,
  index: number,
): string[] => {
  const parts = sizes.map((size, part) =>
    Buffer.from(Array.from({ length: size }, (_, at) => (index * 41 + part * 17 + at) % 251)),
  );
  const whole = Buffer.concat(parts).subarray(0, (5 * GIB) / source.options.unitBytes);
  const tags = { colour: `${index}` };
  const { versionId, sizeBytes } = source.put('k', form === 'whole' ? whole : parts, { tags });
  const event = s3Event({ key: 'k', versionId, sizeBytes, sequencer: String(index) });
  if (isLate) return [event];
  deliver(event);
  return [];
};

const archiveOlder = (source: TransferWorld['source']): void => {
  for (const version of source.versions('k').slice(0, -1)) {
    const attributes = { ...version.state.attributes, storageClass: 'GLACIER' };
    Object.assign(version, { sealed: 'archived', state: { ...version.state, attributes } });
  }
};

const gateOf = (
  given: Chaos,
  scheduler: Scheduler,
  state: { isCalm: boolean; denied: Set<string> },
): Gate => {
  const mishaps = [...given.mishaps];
  return async (point, call) => {
    if (state.denied.has(call)) throw new ReplicationError('access-denied', 'as told');
    if (state.isCalm) return;
    await scheduler.schedule(Promise.resolve(), call);
    const each = mishaps.shift() ?? 'none';
    switch (each) {
      case 'none':
        return;
      case 'crash':
        throw new Crash();
      case 'crash between parts':
        if (/^(transfers|receipts|hints)[.]|parts|look|Upload$/.test(call)) throw new Crash();
        return;
      case 'throttle':
        throw new ReplicationError('throttled', 'SlowDown');
      case 'reset':
        throw new ReplicationError('connection-lost', 'ECONNRESET');
      case 'credentials':
        throw new ReplicationError('expired-credentials', 'ExpiredToken');
      case 'flip':
      case 'break':
        return each;
      case 'race':
        if (point === 'before' && RACED.has(call)) throw new ReplicationError('lost-race', 'as told');
        return;
      case 'denied':
        if (call === 'destination.uploadPart' || call === 'destination.copyPart')
          throw new ReplicationError('access-denied', 'as told');
    }
  };
};

const RACED: ReadonlySet<string> = new Set([
  'destination.completeUpload',
  'destination.uploadPart',
  'destination.copyPart',
  'destination.put',
  'source.read',
]);
