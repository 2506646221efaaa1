import { randomUUID } from 'node:crypto';
import type { Clock } from '../core.ts';
import { applyChanges, deleteResource, messageOf, type ChangeContext, type ChangeLog } from './change-set.ts';
import { parameterValues } from './parameters.ts';
import type { Provider } from './provider.ts';
import { orderResources, type Order, type PlannedResource } from './resource-order.ts';
import { StackError, type Action, type Stack, type StackEvent } from './stack.ts';
import { createStackScope, PSEUDO_PARAMETERS, resolveOutputs } from './stack-scope.ts';
import { parseTemplate, TemplateError, type Template } from './template.ts';
import type { Scope } from './intrinsics.ts';

export interface StackName {
  accountId: string;
  region: string;
  stackName: string;
}

export interface Deployment extends StackName {
  /** JSON or YAML. */
  template: string;
  parameters?: Record<string, string>;
  /** Folder of the files that the template's S3 keys name (by their last part), e.g. `.serverless`. */
  artifacts?: string;
  /** Default `as-written`. */
  order?: Order;
}

/** Stacks in process. The template decides everything; there are no side doors to a resource. */
export interface CloudFormation {
  /**
   * Creates the stack or updates it. A failure takes back what was begun, as CloudFormation does.
   * @throws StackError with the reason of the first failure; TemplateError before anything was touched
   */
  deploy(deployment: Deployment): Promise<Stack>;
  /** Deletes the stack and what its policies do not keep. A stack that does not exist is success. */
  remove(name: StackName): Promise<void>;
  /** The stack as it is now, its last state if it was deleted, null if it never existed. */
  describe(name: StackName): Stack | null;
  stacks(): Stack[];
}

/** `providers` by resource type; `Custom::` types are those of AWS::CloudFormation::CustomResource. */
export const createCloudFormation = (options: {
  clock: Clock;
  providers: Record<string, Provider>;
}): CloudFormation => {
  const stacks = new Map<string, Stack>();
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
  const contextOf = (stack: Stack, artifacts: string | null): ChangeContext => ({
    stack,
    artifacts,
    provider,
    record: (resource, status, reason) => {
      const { logicalId, type, physicalId } = resource;
      const atMs = options.clock.now();
      stack.events.push({ atMs, logicalId, type, physicalId, status, reason: reason ?? null });
    },
  });
  const setStatus = (stack: Stack, status: Stack['status'], reason: string | null = null): void => {
    stack.status = status;
    const { stackName: logicalId, stackId: physicalId } = stack;
    const type = 'AWS::CloudFormation::Stack';
    stack.events.push({ atMs: options.clock.now(), logicalId, type, physicalId, status, reason });
  };

  const change = async (stack: Stack, deployment: Deployment, action: 'CREATE' | 'UPDATE'): Promise<void> => {
    const before = snapshot(stack);
    const plan = planOf(stack, deployment, exportValue(stack), provider);
    const log: ChangeLog = { undo: [], cleanUp: [] };
    const context = contextOf(stack, deployment.artifacts ?? null);
    const firstEvent = stack.events.length;
    setStatus(stack, `${action}_IN_PROGRESS`);
    try {
      await applyChanges(context, plan.planned, plan.scope, log);
      Object.assign(stack, resolveOutputs(plan.template, plan.scope));
    } catch (error) {
      const rollback: Action = action === 'CREATE' ? 'ROLLBACK' : 'UPDATE_ROLLBACK';
      setStatus(stack, `${rollback}_IN_PROGRESS`, messageOf(error));
      const isUndone = await runBackwards(log.undo);
      Object.assign(stack, before);
      setStatus(stack, `${rollback}_${isUndone ? 'COMPLETE' : 'FAILED'}`);
      throw stackError(stack, error, stack.events.slice(firstEvent));
    }
    if (action === 'UPDATE') setStatus(stack, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    // What cannot be cleaned up stays behind without failing the update, as in AWS; the events tell.
    await runBackwards(log.cleanUp);
    setStatus(stack, `${action}_COMPLETE`);
  };

  return {
    deploy: async (deployment) => {
      const key = keyOf(deployment);
      const known = stacks.get(key);
      if (!known || known.status === 'DELETE_COMPLETE') {
        const stack = newStack(deployment);
        // Not registered before the template has been understood.
        planOf(stack, deployment, exportValue(stack), provider);
        stacks.set(key, stack);
        await change(stack, deployment, 'CREATE');
        return stack;
      }
      if (!UPDATABLE.includes(known.status)) throw notNow(known, 'updated');
      await change(known, deployment, 'UPDATE');
      return known;
    },
    remove: async (name) => {
      const stack = stacks.get(keyOf(name));
      if (!stack || stack.status === 'DELETE_COMPLETE') return;
      if (stack.status.endsWith('IN_PROGRESS')) throw notNow(stack, 'deleted');
      checkExportsUnused(stack, [...stacks.values()]);
      const firstEvent = stack.events.length;
      setStatus(stack, 'DELETE_IN_PROGRESS');
      const context = contextOf(stack, null);
      const steps = [...stack.resources.values()].map(
        (resource) => () => deleteResource(context, resource, 'DeletionPolicy'),
      );
      const isDeleted = await runBackwards(steps);
      setStatus(stack, isDeleted ? 'DELETE_COMPLETE' : 'DELETE_FAILED');
      if (!isDeleted) throw stackError(stack, null, stack.events.slice(firstEvent));
      Object.assign(stack, { exports: {}, outputs: {}, imports: new Set() });
    },
    describe: (name) => stacks.get(keyOf(name)) ?? null,
    stacks: () => [...stacks.values()],
  };
};

const UPDATABLE: Stack['status'][] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];

const keyOf = (name: StackName): string => `${name.accountId}/${name.region}/${name.stackName}`;

const newStack = ({ accountId, region, stackName }: Deployment): Stack => {
  if (!/^[a-zA-Z][a-zA-Z0-9-]{0,127}$/.test(stackName))
    throw new TemplateError(`${stackName} is no stack name`);
  return {
    accountId,
    region,
    stackName,
    stackId: `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/${randomUUID()}`,
    status: 'CREATE_IN_PROGRESS',
    template: parseTemplate('{"Resources":{}}'),
    parameters: {},
    resources: new Map(),
    outputs: {},
    exports: {},
    imports: new Set(),
    events: [],
  };
};

interface Plan {
  template: Template;
  planned: PlannedResource[];
  scope: Scope;
}

/** Reads the deployment into the stack. Throws before the stack is changed. */
const planOf = (
  stack: Stack,
  deployment: Deployment,
  exportValue: (name: string) => string | undefined,
  provider: (type: string) => Provider,
): Plan => {
  const template = parseTemplate(deployment.template);
  const parameters = parameterValues(template, deployment.parameters ?? {});
  const imports = new Set<string>();
  const scope = createStackScope(template, { ...stack, parameters, imports }, exportValue);
  const isKnown = (name: string): boolean => name in template.Parameters || PSEUDO_PARAMETERS.includes(name);
  const planned = orderResources(
    template.Resources,
    scope.condition,
    isKnown,
    deployment.order ?? 'as-written',
  );
  const types = new Set(planned.map((plan) => plan.definition.Type));
  for (const type of types) provider(type);
  Object.assign(stack, { template, parameters, imports });
  return { template, planned, scope };
};

const snapshot = (stack: Stack): Partial<Stack> => {
  const { template, parameters, outputs, exports, imports } = stack;
  return { template, parameters, outputs, exports, imports };
};

/** Every step is tried, also after one has failed. Answers whether all went well. */
const runBackwards = async (steps: (() => Promise<void>)[]): Promise<boolean> => {
  let isFine = true;
  for (const step of steps.toReversed()) {
    await step().catch(() => {
      isFine = false;
    });
  }
  return isFine;
};

const stackError = (stack: Stack, cause: unknown, events: StackEvent[]): StackError => {
  const failed = events.filter((event) => event.status.endsWith('_FAILED') && event.reason !== null);
  const reasons = failed.map(
    (event) => `${event.logicalId} (${event.type}): ${event.status}: ${event.reason}`,
  );
  if (reasons.length === 0 && cause !== null) reasons.push(messageOf(cause));
  const error = new StackError(
    stack,
    `Stack ${stack.stackName} is in ${stack.status}\n${reasons.join('\n')}`,
    events,
  );
  error.cause = cause;
  return error;
};

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
