import type { Caller } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { changeStack } from './change-stack.ts';
import type { Deployment, StackName } from './deployment.ts';
import { isWithoutChanges, planOf, resourceChanges, type Plan, type ResourceChange } from './plan.ts';
import type { Permit } from './permit.ts';
import type { Provider } from './provider.ts';
import { checkImport } from './check-import.ts';
import { removeStack } from './remove-stack.ts';
import { isNew, newStack, StackError, type Stack } from './stack.ts';
import { setStackStatus, type StackHost } from './stack-host.ts';
import { createStackRegistry, type StackRegistry } from './stack-registry.ts';
import { TemplateError } from './template.ts';

/** A stack operation in progress. */
export interface StackOperation {
  stack: Stack;
  /** Resolves when the operation has succeeded. Rejects with a StackError when a failed operation has been rolled back. */
  done: Promise<void>;
}

/** The local CloudFormation. It keeps its stacks in the memory of this process. */
export interface CloudFormation {
  /**
   * Creates or updates the stack, and waits until the operation is complete. After a failure, the changes are rolled back.
   * @throws StackError with the reason of the first failure; TemplateError before any resource is changed
   */
  deploy(deployment: Deployment): Promise<Stack>;
  /** Starts the same operation as `deploy` without waiting. Throws only the errors that occur before any resource is changed. */
  begin(deployment: Deployment): StackOperation;
  /** Deletes the stack and its resources, except those that their policies retain. Succeeds if the stack does not exist. */
  remove(name: StackName, caller?: Caller): Promise<void>;
  /** Starts the same operation as `remove` without waiting. Returns null if the stack does not exist. */
  beginRemoval(name: StackName, caller?: Caller): StackOperation | null;
  /**
   * Returns the changes that `begin` would make to the stack's resources. Returns null if the resources, outputs and tags would stay the
   * same. Throws the same errors as `begin`.
   */
  preview(deployment: Deployment): ResourceChange[] | null;
  /** Creates an empty stack for a change set. */
  review(name: StackName): Stack;
  /** The current state of the stack, or its last state if it was deleted. Returns null if it never existed. */
  describe(name: StackName): Stack | null;
  /** All stacks, including deleted ones. */
  stacks(): Stack[];
  /** Resolves when no operation is in progress. */
  idle(): Promise<void>;
}

/**
 * `providers` contains the provider of each resource type. All types that begin with `Custom::` share the provider of
 * AWS::CloudFormation::CustomResource.
 */
export const createCloudFormation = (options: {
  clock: Clock;
  providers: Record<string, Provider>;
  permit: Permit;
}): CloudFormation => {
  const { clock, permit } = options;
  const host: StackHost = { clock, permit, provider: providerOf(options.providers) };
  const stacks = createStackRegistry();
  const underWay = new Set<Promise<void>>();
  /** A caller may ignore `done`, because the stack's status also shows the result. This handler prevents an unhandled rejection. */
  const start = (stack: Stack, work: Promise<void>): StackOperation => {
    const done = work.finally(() => underWay.delete(done));
    underWay.add(done);
    done.catch(() => undefined);
    return { stack, done };
  };
  const begin = (deployment: Deployment): StackOperation => {
    const { stack, plan } = prepare(host, stacks, deployment);
    stacks.register(stack);
    return start(stack, changeStack(host, stack, plan, deployment));
  };
  const beginRemoval = (name: StackName, caller?: Caller): StackOperation | null => {
    const stack = stacks.find(name);
    if (!stack || stack.status === 'DELETE_COMPLETE') return null;
    if (stack.status.endsWith('IN_PROGRESS') && stack.status !== 'REVIEW_IN_PROGRESS') {
      throw notNow(stack, 'deleted');
    }
    checkExportsUnused(stack, stacks.current());
    return start(stack, removeStack(host, stack, caller));
  };
  return {
    deploy: async (deployment) => {
      const { stack, done } = begin(deployment);
      await done;
      return stack;
    },
    begin,
    preview: (deployment) => {
      const { stack, plan } = prepare(host, stacks, deployment);
      if (!isNew(stack) && isWithoutChanges(stack, plan, deployment.tags ?? {})) return null;
      return resourceChanges(stack, plan);
    },
    review: (name) => {
      const stack = newStack(name, clock.now());
      stacks.register(stack);
      setStackStatus(host, stack, 'REVIEW_IN_PROGRESS', 'User Initiated');
      return stack;
    },
    remove: async (name, caller) => {
      await beginRemoval(name, caller)?.done;
    },
    beginRemoval,
    describe: (name) => stacks.find(name) ?? null,
    stacks: () => stacks.all(),
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
};

const providerOf =
  (providers: Record<string, Provider>) =>
  (type: string): Provider => {
    const found = providers[type.startsWith('Custom::') ? 'AWS::CloudFormation::CustomResource' : type];
    if (!found) throw new TemplateError(`the local CloudFormation has no resource type ${type}`);
    return found;
  };

/** Finds or creates the stack of a deployment, and plans its changes. */
const prepare = (
  host: StackHost,
  stacks: StackRegistry,
  deployment: Deployment,
): { stack: Stack; plan: Plan } => {
  const known = stacks.find(deployment);
  const stack = known && known.status !== 'DELETE_COMPLETE' ? known : newStack(deployment, host.clock.now());
  if (!isNew(stack) && !UPDATABLE.includes(stack.status)) throw notNow(stack, 'updated');
  const plan = planOf(stack, deployment, stacks.exportValue(stack), host.provider);
  if (deployment.adopted) checkImport(stack, plan, deployment.adopted, stacks.current());
  return { stack, plan };
};

const UPDATABLE: Stack['status'][] = [
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE',
  'IMPORT_COMPLETE',
  'IMPORT_ROLLBACK_COMPLETE',
];

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
