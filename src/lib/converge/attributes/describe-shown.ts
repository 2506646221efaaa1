/** The short way for hints about one attribute. Most of these hints concern the version that both sides show. */
import type { Task } from '../../model/task.ts';
import { holds } from '../../replica/same-state.ts';
import { namesOneState, replicaPlace, stampOn } from '../../replica/stamp.ts';
import type { ConvergeContext } from '../context.ts';
import type { Convergence } from '../convergence.ts';
import { isEcho } from '../loop-guard.ts';
import { bothVersions } from './sync-attribute.ts';
import { syncConcern } from './sync.ts';

/**
 * Gives the shown replica the attribute that the hint is about. Resolves to null if this short way is not possible. The hint must
 * be about the version that the source shows, and one look at each side must prove that the replica holds this version. No
 * content is then missing, even with `versions: all`, because no version follows the newest one. The write names the version id,
 * so a later write at the destination cannot get the attribute by mistake.
 */
export const describeShown = async (task: Task, context: ConvergeContext): Promise<Convergence | null> => {
  if (!isAboutOneAttribute(task)) return null;
  const shown = await context.destination.look(task.replicaKey);
  if (shown.kind !== 'object' || !namesOneState(shown.state)) return null;
  const place = replicaPlace(task);
  // Without a stamp, the same bytes may have been written more than once, so it is unknown which source version this replica
  // holds.
  if (stampOn(shown.state, place) === null) return null;
  const now = await context.source.look(task.key);
  if (now.kind !== 'object' || !namesOneState(now.state)) return null;
  const { state: version } = now;
  if (task.versionId !== null && task.versionId !== version.versionId) return null;
  if (!holds(shown.state, version, place) || (await isEcho(task, context, version))) return null;
  const versions = bothVersions(task, version, shown.state);
  return (await syncConcern(task, context, versions, shown.state))
    ? { outcome: 'updated', version, replicaVersion: shown.state.versionId }
    : { outcome: 'unchanged', sourceVersion: version.versionId, replica: shown.state };
};

/**
 * Returns true if the hint is about one attribute, and no transfer sent it. The hint of a transfer needs the long way, because the
 * object of the transfer is not yet at the destination.
 */
const isAboutOneAttribute = ({ concern, chain }: Task): boolean =>
  (concern === 'tags' || concern === 'acl' || concern === 'lock') && chain === null;
