/** Replicas among the source objects: what keeps two replicators from sending an object round and round. */
import type { Work } from '../model/work.ts';
import type { ObjectState } from '../model/ports.ts';
import { identityOf, namesOneState, type Stamp, stampOn } from '../replica/stamp.ts';
import type { ConvergeContext, Shown } from './convergence.ts';

/**
 * Was it written by a replicator? The stamp says so, unless the event knows who wrote this very version. Where replicas are to
 * be replicated too, at least what came from this destination does not go back there.
 */
export const isEcho = async (
  work: Work,
  context: ConvergeContext,
  replicaKey: string,
  version: ObjectState,
  shown: Shown | null,
): Promise<boolean> => {
  const { rule, key } = work;
  const stamp = stampOn(version, { bucket: rule.source.bucket, key });
  if (stamp === null) return false;
  if (rule.replicas === 'replicate') return await cameFromThere(context, replicaKey, stamp, shown);
  // A version without an id may have been replaced since by a replica: the event is not about that.
  return !(work.byReplicator === false && namesOneState(version) && work.versionId === version.versionId);
};

const cameFromThere = async (
  { destination }: ConvergeContext,
  replicaKey: string,
  stamp: Stamp,
  shown: Shown | null,
): Promise<boolean> => {
  if (shown !== null && stamp.identity === identityOf(shown)) return true;
  for await (const entry of destination.history(replicaKey)) {
    if (entry.kind === 'version' && identityOf(entry) === stamp.identity) return true;
  }
  return false;
};
