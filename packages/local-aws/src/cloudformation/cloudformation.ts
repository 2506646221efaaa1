import { randomUUID } from 'node:crypto';
import type { Caller } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { rootCaller } from '../iam/iam.ts';
import { applyChanges, deleteResource, type ChangeContext, type ChangeLog } from './apply-changes.ts';
import { isWithoutChanges, planOf, resourceChanges, type Plan, type ResourceChange } from './plan.ts';
import type { Provider } from './provider.ts';
import type { Order } from './resource-order.ts';
import {
  inOrderOf,
  rollbackOf,
  rollbackReason,
  runBackwards,
  runInOrder,
  snapshot,
  STACK_TYPE,
  stackError,
} from './rollback.ts';
import { newStack, StackError, type Stack } from './stack.ts';
import { resolveOutputs } from './stack-scope.ts';
import { TemplateError } from './template.ts';

export interface StackName {
  accountId: string;
  region: string;
  stackName: string;
}

export interface Deployment extends StackName {
  /** JSON or YAML. */
  template: string;
  parameters?: Record<string, string>;
  /** Of the stack itself: they are described and compared, not passed on to its resources. */
  tags?: Record<string, string>;
  /** Only described: the API has checked them. */
  capabilities?: string[];
  /** Folder of the files that the template's S3 keys name (by their last part), e.g. `.serverless`. Absent: objects of S3. */
  artifacts?: string;
  /** In whose name objects are read. Default: the account's root user. */
  caller?: Caller;
  /** What becomes of a stack that could not be created. Default ROLLBACK. */
  onFailure?: 'ROLLBACK' | 'DELETE';
  /** Default `as-written`. */
  order?: Order;
}

/** A stack operation under way. */
export interface StackOperation {
  stack: Stack;
  /** Rejects with a StackError once what had begun is taken back. */
  done: Promise<void>;
}

/** Stacks in process. The template decides everything; there are no side doors to a resource. */
export interface CloudFormation {
  /**
   * Creates the stack or updates it. A failure takes back what was begun, as CloudFormation does.
   * @throws StackError with the reason of the first failure; TemplateError before anything was touched
   */
  deploy(deployment: Deployment): Promise<Stack>;
  /** The same, without waiting. Throws what is wrong before anything was touched. */
  begin(deployment: Deployment): StackOperation;
  /** Deletes the stack and what its policies do not keep. A stack that does not exist is success. */
  remove(name: StackName, caller?: Caller): Promise<void>;
  /** The same, without waiting. Null when there is nothing to delete. */
  beginRemoval(name: StackName, caller?: Caller): StackOperation | null;
  /** What `begin` would do to the stack's resources; null when nothing at all would change. Throws as `begin`. */
  preview(deployment: Deployment): ResourceChange[] | null;
  /** Makes the stack a change set is created for, with nothing in it. */
  review(name: StackName): Stack;
  /** The stack as it is now, its last state if it was deleted, null if it never existed. */
  describe(name: StackName): Stack | null;
  /** Also those that were deleted. */
  stacks(): Stack[];
  /** Resolves when no operation is under way. */
  idle(): Promise<void>;
}

/** `providers` by resource type; `Custom::` types are those of AWS::CloudFormation::CustomResource. */
export const createCloudFormation = (options: {
  clock: Clock;
  providers: Record<string, Provider>;
}): CloudFormation => {
  const { clock } = options;
  /** The last one of each name. */
  const stacks = new Map<string, Stack>();
  /** Those whose name another stack has by now. */
  const former: Stack[] = [];
  const underWay = new Set<Promise<void>>();
  const provider = (type: string): Provider => {
    const found =
      options.providers[type.startsWith('Custom::') ? 'AWS::CloudFormation::CustomResource' : type];
    if (!found) throw new TemplateError(`the local CloudFormation has no resource type ${type}`);
    return found;
  };
  const exportValue = (name: StackName) => (exported: string) =>
    [...stacks.values()]
      .filter((stack) => stack.accountId === name.accountId && stack.region === name.region)
      .map((stack) => stack.exports[exported])
      .find((value) => value !== undefined);
  const contextOf = (stack: Stack, artifacts: string | null, caller?: Caller): ChangeContext => ({
    stack,
    artifacts,
    caller: caller ?? rootCaller(stack.accountId),
    provider,
    record: (resource, status, reason) => {
      const { logicalId, type, physicalId } = resource;
      const eventId = `${logicalId}-${status}-${randomUUID()}`;
      stack.events.push({
        eventId,
        atMs: clock.now(),
        logicalId,
        type,
        physicalId,
        status,
        reason: reason ?? null,
      });
    },
  });
  const setStatus = (stack: Stack, status: Stack['status'], reason: string | null = null): void => {
    Object.assign(stack, { status, statusReason: reason });
    const { stackName: logicalId, stackId: physicalId } = stack;
    const type = STACK_TYPE;
    stack.events.push({
      eventId: randomUUID(),
      atMs: clock.now(),
      logicalId,
      type,
      physicalId,
      status,
      reason,
    });
  };
  const register = (stack: Stack): void => {
    const known = stacks.get(keyOf(stack));
    if (known && known !== stack) former.push(known);
    stacks.set(keyOf(stack), stack);
  };
  /** An operation goes on by itself; who does not wait for it learns its end from the stack. */
  const start = (stack: Stack, work: Promise<void>): StackOperation => {
    const done = work.finally(() => underWay.delete(done));
    underWay.add(done);
    done.catch(() => undefined);
    return { stack, done };
  };

  const change = async (stack: Stack, plan: Plan, deployment: Deployment): Promise<void> => {
    const action = isNew(stack) ? 'CREATE' : 'UPDATE';
    const before = snapshot(stack);
    const orderBefore = [...stack.resources.keys()];
    const log: ChangeLog = { restore: [], remove: [], cleanUp: [] };
    const context = contextOf(stack, deployment.artifacts ?? null, deployment.caller);
    const firstEvent = stack.events.length;
    if (action === 'UPDATE') stack.updatedAtMs = clock.now();
    setStatus(stack, `${action}_IN_PROGRESS`, action === 'CREATE' ? 'User Initiated' : null);
    const { template, templateText, parameters, imports } = plan;
    const { tags = {}, capabilities = [] } = deployment;
    Object.assign(stack, { template, templateText, parameters, imports, tags, capabilities });
    try {
      await applyChanges(context, plan.planned, plan.scope, log);
      Object.assign(stack, resolveOutputs(plan.template, plan.scope));
    } catch (error) {
      const rollback = rollbackOf(action, deployment);
      setStatus(stack, `${rollback}_IN_PROGRESS`, rollbackReason(stack.events.slice(firstEvent), error));
      const isRestored = await runInOrder(log.restore);
      if (action === 'UPDATE') setStatus(stack, 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
      const isUndone = (await runBackwards(log.remove)) && isRestored;
      Object.assign(stack, before);
      stack.resources = inOrderOf(orderBefore, stack.resources);
      if (rollback === 'DELETE' && isUndone) stack.deletedAtMs = clock.now();
      setStatus(stack, `${rollback}_${isUndone ? 'COMPLETE' : 'FAILED'}`);
      throw stackError(stack, error, stack.events.slice(firstEvent));
    }
    if (action === 'UPDATE') setStatus(stack, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    // What cannot be cleaned up stays behind without failing the update, as in AWS; the events tell.
    await runBackwards(log.cleanUp);
    setStatus(stack, `${action}_COMPLETE`);
  };

  const removeAll = async (stack: Stack, caller?: Caller): Promise<void> => {
    const firstEvent = stack.events.length;
    setStatus(stack, 'DELETE_IN_PROGRESS', 'User Initiated');
    const context = contextOf(stack, null, caller);
    const steps = [...stack.resources.values()].map(
      (resource) => () => deleteResource(context, resource, 'DeletionPolicy'),
    );
    const isDeleted = await runBackwards(steps);
    const kept = [...stack.resources.keys()];
    if (isDeleted) stack.deletedAtMs = clock.now();
    setStatus(
      stack,
      isDeleted ? 'DELETE_COMPLETE' : 'DELETE_FAILED',
      isDeleted ? null : `The following resource(s) failed to delete: [${kept.join(', ')}]. `,
    );
    if (!isDeleted) throw stackError(stack, null, stack.events.slice(firstEvent));
    Object.assign(stack, { exports: {}, outputs: {}, imports: new Set() });
  };

  /** The stack a deployment is for, and what it is to become. */
  const prepare = (deployment: Deployment): { stack: Stack; plan: Plan } => {
    const known = stacks.get(keyOf(deployment));
    const stack = known && known.status !== 'DELETE_COMPLETE' ? known : newStack(deployment, clock.now());
    if (!isNew(stack) && !UPDATABLE.includes(stack.status)) throw notNow(stack, 'updated');
    return { stack, plan: planOf(stack, deployment, exportValue(stack), provider) };
  };

  const cloudformation: CloudFormation = {
    deploy: async (deployment) => {
      const { stack, done } = cloudformation.begin(deployment);
      await done;
      return stack;
    },
    begin: (deployment) => {
      const { stack, plan } = prepare(deployment);
      register(stack);
      return start(stack, change(stack, plan, deployment));
    },
    preview: (deployment) => {
      const { stack, plan } = prepare(deployment);
      if (!isNew(stack) && isWithoutChanges(stack, plan, deployment.tags ?? {})) return null;
      return resourceChanges(stack, plan);
    },
    review: (name) => {
      const stack = newStack(name, clock.now());
      register(stack);
      setStatus(stack, 'REVIEW_IN_PROGRESS', 'User Initiated');
      return stack;
    },
    remove: async (name, caller) => {
      await cloudformation.beginRemoval(name, caller)?.done;
    },
    beginRemoval: (name, caller) => {
      const stack = stacks.get(keyOf(name));
      if (!stack || stack.status === 'DELETE_COMPLETE') return null;
      if (stack.status.endsWith('IN_PROGRESS') && stack.status !== 'REVIEW_IN_PROGRESS') {
        throw notNow(stack, 'deleted');
      }
      checkExportsUnused(stack, [...stacks.values()]);
      return start(stack, removeAll(stack, caller));
    },
    describe: (name) => stacks.get(keyOf(name)) ?? null,
    stacks: () => [...former, ...stacks.values()],
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
  return cloudformation;
};

const UPDATABLE: Stack['status'][] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];

/** Nothing has been made for it yet. */
const isNew = (stack: Stack): boolean => stack.status === 'REVIEW_IN_PROGRESS' || stack.events.length === 0;

const keyOf = (name: StackName): string => `${name.accountId}/${name.region}/${name.stackName}`;

const notNow = (stack: Stack, verb: string): StackError =>
  new StackError(stack, `Stack:${stack.stackId} is in ${stack.status} state and can not be ${verb}.`, []);

const checkExportsUnused = (stack: Stack, all: Stack[]): void => {
  for (const name of Object.keys(stack.exports)) {
    const user = all.find(
      (other) => other !== stack && other.region === stack.region && other.imports.has(name),
    );
    if (user) {
      throw new StackError(
        stack,
        `Export ${name} cannot be deleted as it is in use by ${user.stackName}`,
        [],
      );
    }
  }
};
