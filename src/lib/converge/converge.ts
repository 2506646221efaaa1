/**
 * The protocol: look at both sides, write conditionally, look again. An event only names the key to look at. All further steps
 * depend on the two buckets alone. Converge may therefore run twice, late, or concurrently with itself, and may die at any point.
 */
import { ReplicationError } from '../model/errors.ts';
import { MAX_KEY_BYTES } from '../model/rule.ts';
import { problemOfKey, type Task } from '../model/task.ts';
import { describeShown } from './attributes/describe-shown.ts';
import { syncAttributes } from './attributes/sync.ts';
import type { ConvergeContext } from './context.ts';
import type { Convergence } from './convergence.ts';
import { convergeHistory } from './every-version.ts';
import { convergeLatest } from './latest.ts';

export const converge = async (task: Task, context: ConvergeContext): Promise<Convergence> => {
  const problem = problemOfKey(task);
  if (problem !== null) throw new ReplicationError(problem, KEY_PROBLEMS[problem]);
  if (isContentOnly(task)) return await convergeContent(task, context);
  const described = await describeShown(task, context);
  if (described !== null) return described;
  const convergence = await convergeContent(task, context);
  // The attributes are compared whatever happened to the newest version, because the event may be about another version.
  const updated = await syncAttributes(task, context);
  // Without a version id, the tags and grants may have been written to the replica of a newer version. So the key is converged
  // once more, which compares the attributes with those of the object that is shown then.
  if (updated?.outcome === 'updated' && (updated.replicaVersion ?? 'null') === 'null')
    await convergeContent(task, context);
  return updated !== null && convergence.outcome === 'unchanged' ? updated : convergence;
};

const KEY_PROBLEMS = {
  'key-too-long': `the key of the replica would have more than ${MAX_KEY_BYTES} bytes`,
  'empty-key': 'nothing would be left of the key of the replica',
} as const;

/** Returns true if the hint is about content, or about an attribute that is not replicated to this destination. */
const isContentOnly = ({ concern, rule, destination }: Task): boolean =>
  concern === 'content' ||
  concern === 'bytes' ||
  (concern === 'tags' && rule.tags === 'ignore') ||
  (concern === 'acl' && rule.acl === 'ignore') ||
  (concern === 'lock' && destination.objectLock === 'ignore');

const convergeContent = async (task: Task, context: ConvergeContext): Promise<Convergence> => {
  try {
    return await (task.rule.versions === 'all' ? convergeHistory : convergeLatest)(task, context);
  } catch (error) {
    const { restore } = task.rule;
    const isArchived = error instanceof ReplicationError && error.reason === 'archived';
    if (!isArchived || restore === null) throw error;
    await context.source.restore(task.key, null, restore);
    return { outcome: 'restore-requested' };
  }
};
