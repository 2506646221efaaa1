/** A key with many versions, all of which are there before the first of their hints arrives, in model time. */
import { isolationWorld } from './isolation-world.ts';

const PER_SECOND = 5_000;
const MINUTE_MS = 60_000;

/** Writes the versions, and resolves when all of their hints are done or dead. Throws if that takes more than a day. */
export const replicateStack = async (count: number) => {
  const world = isolationWorld(['hot'], { oneKey: true });
  const { time, source, replicas, records } = world;
  await world.write(PER_SECOND, (count / PER_SECOND) * 1_000);
  const ended = (): number =>
    records.filter(({ ending }) => ending === 'done' || ending === 'quarantine').length;
  while (ended() < count) {
    if (time.now() > 24 * 60 * MINUTE_MS) throw new Error(`${count - ended()} hints have not ended`);
    await time.runUntil(time.now() + MINUTE_MS);
  }
  const etagsOf = (bucket: typeof source): string[] =>
    bucket.versions('hot/key').map(({ state }) => state.etag);
  return {
    versions: etagsOf(source),
    replicas: etagsOf(replicas.get('hot') ?? source),
    seconds: time.now() / 1_000,
    calls: (operation: string): number => world.calls.get(operation) ?? 0,
    dead: world.dead,
    /** How often hints were sent again. */
    sentAgain: records.filter(({ ending }) => ending === 'retry').length,
    exhausted: records.filter(({ ending }) => ending === 'quarantine'),
  };
};
