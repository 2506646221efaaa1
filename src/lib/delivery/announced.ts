/** Adds to converge that each proven replica is announced. */
import type { ConvergeContext } from '../converge/context.ts';
import type { Copied } from '../copy/request.ts';
import type { ObjectState } from '../model/ports.ts';
import type { ReplicaEvent } from '../model/replica-event.ts';
import type { Task } from '../model/task.ts';
import { isFrom, replicaPlace, sourcePlace, type Stamp, stampOn } from '../replica/stamp.ts';
import type { Announce } from './announcer.ts';

/** How far the clock of S3 may be behind the clock of the queue. */
const CLOCKS_APART_MS = 60_000;

/**
 * Returns the context with the announcements. Each version is announced before the next one of its key is written. So if an invocation dies,
 * at most the replica that the destination shows is not announced. The next attempt looks at it before it writes over it, knows it by its
 * stamp, and announces it: again, if the earlier attempt died a little later. `sinceMs` is the time of the first attempt; null: this is it.
 */
export const announced = (
  context: ConvergeContext,
  { task, announce, sinceMs }: { task: Task; announce: Announce | null; sinceMs: number | null },
): ConvergeContext => {
  if (announce === null || task.rule.announce === 'none') return context;
  const known = new Set<string>();
  const replicated = async (version: ObjectState, copied: Copied): Promise<void> => {
    known.add(nameOf(copied.written));
    await announce(writtenEvent(task, version, copied, context.clock.now()));
  };
  if (sinceMs === null) return { ...context, replicated };
  const { destination } = context;
  const look = async (key: string) => {
    const shown = await destination.look(key);
    if (shown.kind !== 'object' || known.has(nameOf(shown.state))) return shown;
    known.add(nameOf(shown.state));
    const stamp = stampOn(shown.state, replicaPlace(task));
    const isOfEarlierAttempt = shown.state.lastModifiedMs >= sinceMs - CLOCKS_APART_MS;
    if (stamp !== null && isFrom(stamp, sourcePlace(task)) && isOfEarlierAttempt)
      await announce(foundEvent(task, shown.state, stamp));
    return shown;
  };
  return { ...context, replicated, destination: { ...destination, look } };
};

const nameOf = ({ versionId, etag }: Pick<ObjectState, 'versionId' | 'etag'>): string =>
  JSON.stringify([versionId, etag]);

const writtenEvent = (
  task: Task,
  { versionId, etag, sizeBytes, lastModifiedMs }: ObjectState,
  { written, proof }: Copied,
  nowMs: number,
): ReplicaEvent => ({
  ...placesOf(task),
  object: {
    key: task.key,
    size: sizeBytes,
    etag: bare(etag),
    ...idOf(versionId),
    ...modifiedAt(lastModifiedMs),
  },
  replica: {
    key: task.replicaKey,
    etag: bare(written.etag),
    ...idOf(written.versionId),
    ...(written.checksum === null ? {} : { checksum: written.checksum }),
  },
  proof,
  'replicated-at': new Date(nowMs).toISOString(),
});

/** The stamp names the version or the ETag of the source. */
const foundEvent = (
  task: Task,
  { versionId, etag, sizeBytes, lastModifiedMs, checksum }: ObjectState,
  { identity, modifiedMs }: Stamp,
): ReplicaEvent => ({
  ...placesOf(task),
  object: {
    key: task.key,
    size: sizeBytes,
    ...(identity.startsWith('v/') ? idOf(identity.slice(2)) : { etag: identity.slice(2) }),
    ...modifiedAt(modifiedMs),
  },
  replica: {
    key: task.replicaKey,
    etag: bare(etag),
    ...idOf(versionId),
    ...(checksum === null ? {} : { checksum }),
  },
  proof: 'found',
  'replicated-at': new Date(lastModifiedMs).toISOString(),
});

const placesOf = ({ rule, destination, run }: Task) => ({
  version: '1' as const,
  rule: rule.id,
  bucket: { name: rule.source.bucket },
  destination: {
    id: destination.id,
    bucket: { name: destination.bucket },
    region: destination.region,
  },
  ...(run === null ? {} : { run }),
});

const idOf = (versionId: string | null) => (versionId === null ? {} : { 'version-id': versionId });

const modifiedAt = (ms: number) => ({ 'last-modified': new Date(ms).toISOString() });

const bare = (etag: string): string => etag.replaceAll('"', '');
