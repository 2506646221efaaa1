import { applyChanges, type ChangeLog } from './apply-changes.ts';
import type { Deployment } from './deployment.ts';
import type { Plan } from './plan.ts';
import {
  inOrderOf,
  rollbackOf,
  rollbackReason,
  runBackwards,
  runInOrder,
  snapshot,
  stackError,
} from './rollback.ts';
import { resolveOutputs } from './stack-scope.ts';
import { isNew, type Stack } from './stack.ts';
import { changeContextOf, setStackStatus, type StackHost } from './stack-host.ts';

/** Creates or updates the stack as planned. After a failure, rolls the changes back and then throws a StackError. */
export const changeStack = async (
  host: StackHost,
  stack: Stack,
  plan: Plan,
  deployment: Deployment,
): Promise<void> => {
  const action = deployment.adopted ? 'IMPORT' : isNew(stack) ? 'CREATE' : 'UPDATE';
  const before: Before = {
    state: snapshot(stack),
    order: [...stack.resources.keys()],
    eventCount: stack.events.length,
  };
  const log: ChangeLog = { restore: [], remove: [], cleanUp: [] };
  const context = changeContextOf(host, stack, deployment);
  if (action !== 'CREATE') stack.updatedAtMs = host.clock.now();
  setStackStatus(host, stack, `${action}_IN_PROGRESS`, action === 'CREATE' ? 'User Initiated' : null);
  const { template, templateText, parameters, imports } = plan;
  const { tags = {}, capabilities = [] } = deployment;
  Object.assign(stack, { template, templateText, parameters, imports, tags, capabilities });
  try {
    await applyChanges(context, plan.planned, plan.scope, log);
    Object.assign(stack, resolveOutputs(plan.template, plan.scope));
  } catch (error) {
    await rollBack(host, stack, { action, deployment, before, log, error });
    throw stackError(stack, error, stack.events.slice(before.eventCount));
  }
  if (action === 'UPDATE') setStackStatus(host, stack, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
  // As in AWS, the update succeeds even if the clean-up cannot delete a resource. Only the stack's events report that failure.
  await runBackwards(log.cleanUp);
  setStackStatus(host, stack, `${action}_COMPLETE`);
};

/** The state of the stack before the change. */
interface Before {
  state: ReturnType<typeof snapshot>;
  order: string[];
  eventCount: number;
}

const rollBack = async (
  host: StackHost,
  stack: Stack,
  failed: {
    action: 'CREATE' | 'UPDATE' | 'IMPORT';
    deployment: Deployment;
    before: Before;
    log: ChangeLog;
    error: unknown;
  },
): Promise<void> => {
  const { action, deployment, before, log, error } = failed;
  const rollback = rollbackOf(action, deployment);
  const reason = rollbackReason(stack.events.slice(before.eventCount), error);
  setStackStatus(host, stack, `${rollback}_IN_PROGRESS`, reason);
  const isRestored = await runInOrder(log.restore);
  if (action === 'UPDATE') {
    setStackStatus(host, stack, 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
  }
  const isUndone = (await runBackwards(log.remove)) && isRestored;
  Object.assign(stack, before.state);
  if (action === 'IMPORT') Object.keys(deployment.adopted ?? {}).forEach((id) => stack.resources.delete(id));
  stack.resources = inOrderOf(before.order, stack.resources);
  if (rollback === 'DELETE' && isUndone) stack.deletedAtMs = host.clock.now();
  setStackStatus(host, stack, `${rollback}_${isUndone ? 'COMPLETE' : 'FAILED'}`);
};
