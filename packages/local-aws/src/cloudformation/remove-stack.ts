import type { Caller } from '../core/access.ts';
import { deleteResource } from './apply-changes.ts';
import { runBackwards, stackError } from './rollback.ts';
import type { Stack } from './stack.ts';
import { changeContextOf, setStackStatus, type StackHost } from './stack-host.ts';

/**
 * Deletes the stack's resources, except those that their policies retain. Rejects with a StackError if a resource cannot be deleted.
 */
export const removeStack = async (host: StackHost, stack: Stack, caller?: Caller): Promise<void> => {
  const firstEvent = stack.events.length;
  setStackStatus(host, stack, 'DELETE_IN_PROGRESS', 'User Initiated');
  const context = changeContextOf(host, stack, caller ? { caller } : {});
  const steps = [...stack.resources.values()].map(
    (resource) => () => deleteResource(context, resource, 'DeletionPolicy'),
  );
  if (await runBackwards(steps)) {
    stack.deletedAtMs = host.clock.now();
    setStackStatus(host, stack, 'DELETE_COMPLETE');
    Object.assign(stack, { exports: {}, outputs: {}, imports: new Set() });
    return;
  }
  const kept = [...stack.resources.keys()];
  setStackStatus(
    host,
    stack,
    'DELETE_FAILED',
    `The following resource(s) failed to delete: [${kept.join(', ')}]. `,
  );
  throw stackError(stack, null, stack.events.slice(firstEvent));
};
