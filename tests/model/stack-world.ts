/** A key with many versions in model time. All versions exist before the first of their hints arrives. */
import { isolationWorld } from './isolation-world.ts';
import { eventMessage } from './memory-retries.ts';
import { s3Event } from './settings.ts';

const PER_SECOND = 5_000;
const MINUTE_MS = 60_000;

/** Writes the versions, and resolves when all of their hints are done or in the dead-letter queue. Throws if this takes more than a day. */
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

const KEY = 'hot/key';

/**
 * Writes, deletes and expires versions of a key with many versions. Makes some changes at once, and further changes during replication.
 * `random` returns numbers from 0 to 1. Resolves to the state of both sides when all hints have ended.
 */
export const changeStack = async (random: () => number) => {
  const { rules, time, source, queues, replicas, records, dead } = isolationWorld(['hot'], { oneKey: true });
  for (const rule of rules) Object.assign(rule, { deletes: 'replicate' });
  let hints = 0;
  const tell = (name: string, versionId: string | null): void => {
    const event = { key: KEY, versionId, sequencer: String(hints), name };
    queues.arrive(eventMessage(s3Event(event), `hint-${hints++}`, time.now()));
  };
  const change = (): void => {
    const kind = random();
    const versions = source.history.get(KEY)?.length ?? 0;
    if (kind < 0.75) tell('ObjectCreated:Put', source.put(KEY, Buffer.from(String(hints))).versionId);
    else if (kind < 0.88) tell('ObjectRemoved:DeleteMarkerCreated', source.remove(KEY));
    else if (versions > 5)
      tell('ObjectRemoved:Delete', source.forget(KEY, 1 + Math.floor(random() * (versions - 2))));
  };
  for (let changes = 0; changes < 200; changes++) change();
  for (let changes = 0; changes < 40; changes++) {
    await time.runUntil(time.now() + random() * 2_000);
    change();
  }
  const ended = (): number => records.filter(({ ending }) => ending === 'done' || ending === 'skip').length;
  while (ended() < hints && dead.length === 0 && time.now() < 60 * MINUTE_MS)
    await time.runUntil(time.now() + MINUTE_MS);
  const [from, to] = [source, replicas.get('hot') ?? source];
  const contentsOf = (bucket: typeof source): number[] =>
    bucket.versions(KEY).map(({ bytes }) => Number(bytes.toString()));
  return {
    hints,
    ended: ended(),
    dead,
    /** The current content on each side, or null for a delete marker. */
    shown: [from, to].map((bucket) => bucket.current(KEY)?.bytes.toString() ?? null),
    versions: contentsOf(from),
    replicas: contentsOf(to),
  };
};
