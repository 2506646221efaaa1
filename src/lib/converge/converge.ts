/**
 * The protocol: look at both sides, write conditionally, look again. An event only says which key to look at; what is
 * done depends on the two buckets alone. It may run twice, late, concurrently with itself, or die at any point.
 */
import type { Work } from '../model/work.ts';
import { convergeHistory } from './every-version.ts';
import { convergeLatest } from './latest.ts';
import { ReplicationError } from '../model/errors.ts';
import { destinationKey } from '../model/rule.ts';
import { syncAttributes } from './attributes/sync.ts';
import type { Convergence, ConvergeContext } from './convergence.ts';

const MAX_KEY_BYTES = 1_024;

export const converge = async (work: Work, context: ConvergeContext): Promise<Convergence> => {
  const { rule } = work;
  // Its own event is all that a replica has: what somebody else writes to the key has another.
  if (work.byReplicator === true && rule.replicas === 'ignore') return { outcome: 'replica' };
  const replicaKey = checkedReplicaKey(work);
  const convergence = await content(work, context, replicaKey);
  if (work.concern === 'content' || (work.concern === 'acl' && rule.acl === 'ignore')) return convergence;
  // Whatever came of the newest version: the event may be about another.
  const updated = await syncAttributes(work, context, replicaKey);
  return updated !== null && convergence.outcome === 'unchanged' ? updated : convergence;
};

const content = async (work: Work, context: ConvergeContext, replicaKey: string): Promise<Convergence> => {
  if (work.rule.versions === 'all') return await convergeHistory(work, context, replicaKey);
  try {
    return await convergeLatest(work, context, replicaKey);
  } catch (error) {
    const { restore } = work.rule;
    const isArchived = error instanceof ReplicationError && error.reason === 'archived';
    if (!isArchived || restore === null) throw error;
    await context.source.restore(work.key, null, restore);
    return { outcome: 'restore-requested' };
  }
};

const checkedReplicaKey = ({ rule, destination, key }: Work): string => {
  const replicaKey = destinationKey(rule, destination, key);
  if (Buffer.byteLength(replicaKey) > MAX_KEY_BYTES) {
    throw new ReplicationError(
      'key-too-long',
      `the replica's key would have more than ${MAX_KEY_BYTES} bytes`,
    );
  }
  return replicaKey;
};
