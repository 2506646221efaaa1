import { isDeepStrictEqual } from 'node:util';
import { type ChangeContext, permit, resourceContext } from './change-context.ts';
import type { AdoptedResource } from './deployment.ts';
import { isRecord, resolve, type Scope } from './intrinsics.ts';
import { InvalidProperties, ResourceFailure } from './provider.ts';
import type { PlannedResource } from './resource-order.ts';
import type { StackResource } from './stack.ts';

/**
 * The steps that run after the resources of a stack have changed.
 *
 * After a failure, the `restore` steps run first. They undo updates in the order in which the updates were made, so that the dependencies
 * of a resource are restored before the resource. Then the `remove` steps delete new resources in reverse order. After a success, only the
 * `cleanUp` steps run. They delete resources that are no longer needed, in reverse order.
 */
export interface ChangeLog {
  restore: (() => Promise<void>)[];
  remove: (() => Promise<void>)[];
  cleanUp: (() => Promise<void>)[];
}

/**
 * Changes the stack's resources as planned, and adds the steps that undo each change to `log`. CloudFormation changes independent resources
 * at the same time. The local CloudFormation does so only for custom resources, because their functions take time. It changes all others
 * one after the other, so that a rollback can reverse the order. After a failure, it starts no further change. Rejects with the error of
 * the first resource that failed; `log` then contains the steps that undo the failed change.
 */
export const applyChanges = async (
  context: ChangeContext,
  planned: PlannedResource[],
  scope: Scope,
  log: ChangeLog,
): Promise<void> => {
  const failures: unknown[] = [];
  const changes = new Map<string, Promise<void>>();
  const change = async (plan: PlannedResource): Promise<void> => {
    await Promise.all(plan.dependencies.flatMap((name) => changes.get(name) ?? []));
    if (failures.length > 0) return;
    await applyChange(context, plan, scope, log).catch((error: unknown) => failures.push(error));
  };
  // In the plan, each resource comes after its dependencies. So the changes of the dependencies have already started.
  for (const plan of planned) {
    const changing = change(plan);
    changes.set(plan.logicalId, changing);
    if (context.provider(plan.definition.Type).isCustom) continue;
    await changing;
  }
  await Promise.all(changes.values());
  if (failures.length > 0) throw failures[0];
  const wanted = new Set(planned.map((plan) => plan.logicalId));
  const leaving = [...context.stack.resources.values()].filter((resource) => !wanted.has(resource.logicalId));
  // The clean-up steps run in reverse order, so the newest resource, which is added last, is deleted first.
  for (const resource of leaving) log.cleanUp.push(() => deleteResource(context, resource, 'DeletionPolicy'));
};

const applyChange = async (
  context: ChangeContext,
  plan: PlannedResource,
  scope: Scope,
  log: ChangeLog,
): Promise<void> => {
  const properties = resolve(plan.definition.Properties, scope);
  if (!isRecord(properties)) throw new Error(`Properties of ${plan.logicalId} must be an object`);
  const old = context.stack.resources.get(plan.logicalId);
  const adopted = context.adopted[plan.logicalId];
  if (adopted) await adoptResource(context, plan, properties, adopted);
  else if (!old) await createResource(context, plan, properties, log);
  else if (!isDeepStrictEqual(old.properties, properties)) {
    await updateResource(context, plan, { old, properties }, log);
  } else keepResource(context, plan, old, log);
};

/** Moves the resource to the end of the map, in which every resource comes after the resources that it depends on. */
const setResource = (context: ChangeContext, resource: StackResource): void => {
  context.stack.resources.delete(resource.logicalId);
  context.stack.resources.set(resource.logicalId, resource);
};

const keepResource = (
  context: ChangeContext,
  { definition }: PlannedResource,
  old: StackResource,
  log: ChangeLog,
): void => {
  const { logicalId, type, physicalId, properties } = old;
  const place = resourceContext(context, logicalId, type);
  permit(context, place, 'update', { physicalId, properties, oldProperties: properties });
  setResource(context, { ...old, definition });
  log.restore.push(async () => setResource(context, old));
};

const createResource = async (
  context: ChangeContext,
  { logicalId, definition }: PlannedResource,
  properties: Record<string, unknown>,
  log: ChangeLog,
): Promise<void> => {
  const type = definition.Type;
  const provider = context.provider(type);
  const attempt = { logicalId, type, physicalId: '', attributes: {}, properties, definition };
  const undoDelete = (resource: StackResource): void => {
    log.remove.push(() => deleteResource(context, resource, 'rollback'));
  };
  context.record(attempt, 'CREATE_IN_PROGRESS');
  try {
    const place = resourceContext(context, logicalId, type);
    permit(context, place, 'create', { physicalId: null, properties });
    const created = await provider.create(place, properties);
    const resource = { ...attempt, ...created };
    setResource(context, resource);
    undoDelete(resource);
    context.record(resource, 'CREATE_COMPLETE');
  } catch (error) {
    const physicalId = error instanceof ResourceFailure ? error.physicalId : '';
    context.record({ ...attempt, physicalId }, 'CREATE_FAILED', messageOf(error));
    if (provider.isCustom) undoDelete({ ...attempt, physicalId });
    throw error;
  }
};

/** A rollback removes the imported resource from the stack without deleting it. */
const adoptResource = async (
  context: ChangeContext,
  { logicalId, definition }: PlannedResource,
  properties: Record<string, unknown>,
  { identifier }: AdoptedResource,
): Promise<void> => {
  const type = definition.Type;
  const attempt = { logicalId, type, physicalId: '', attributes: {}, properties, definition };
  context.record(attempt, 'IMPORT_IN_PROGRESS');
  try {
    const { adopt } = context.provider(type);
    if (!adopt) throw new Error(`ResourceType ${type} is not supported for import`);
    const place = resourceContext(context, logicalId, type);
    permit(context, place, 'import', { physicalId: Object.values(identifier)[0] ?? null, properties });
    const resource = { ...attempt, ...(await adopt(place, identifier)) };
    setResource(context, resource);
    context.record(resource, 'IMPORT_COMPLETE');
  } catch (error) {
    context.record(attempt, 'IMPORT_FAILED', messageOf(error));
    throw error;
  }
};

const updateResource = async (
  context: ChangeContext,
  { logicalId, definition }: PlannedResource,
  { old, properties }: { old: StackResource; properties: Record<string, unknown> },
  log: ChangeLog,
): Promise<void> => {
  const { type, physicalId } = old;
  if (definition.Type !== type) throw new Error(`Update of resource type is not permitted. (${logicalId})`);
  const provider = context.provider(type);
  context.record(old, 'UPDATE_IN_PROGRESS');
  try {
    const place = resourceContext(context, logicalId, type);
    permit(context, place, 'update', { physicalId, properties, oldProperties: old.properties });
    const updated = await provider.update(place, physicalId, properties, old.properties);
    const resource = { ...old, ...updated, properties, definition };
    setResource(context, resource);
    log.restore.push(() => takeBack(context, resource, old, log));
    if (updated.physicalId !== physicalId) {
      log.cleanUp.push(() => deleteResource(context, old, 'UpdateReplacePolicy'));
    }
    context.record(resource, 'UPDATE_COMPLETE');
  } catch (error) {
    context.record(old, 'UPDATE_FAILED', messageOf(error));
    const now = error instanceof InvalidProperties ? null : { ...old, properties };
    log.restore.push(async () => (now ? takeBack(context, now, old, log) : setResource(context, old)));
    throw error;
  }
};

/**
 * Undoes an update. If the update replaced the resource, the stack gets the old resource back, and the deletion of the replacement is added
 * to `log`. Otherwise the resource is updated to its old properties. A custom resource is updated to its old properties even if it was
 * replaced.
 */
const takeBack = async (
  context: ChangeContext,
  now: StackResource,
  old: StackResource,
  log: ChangeLog,
): Promise<void> => {
  const { logicalId, type } = old;
  const provider = context.provider(type);
  const isReplaced = now.physicalId !== old.physicalId;
  if (isReplaced && !provider.isCustom) {
    setResource(context, old);
    log.remove.push(() => removePhysical(context, now));
    return;
  }
  context.record(now, 'UPDATE_IN_PROGRESS');
  const place = resourceContext(context, logicalId, type);
  const { physicalId } = now;
  permit(context, place, 'update', {
    physicalId,
    properties: old.properties,
    oldProperties: now.properties,
  });
  const restored = await provider.update(place, now.physicalId, old.properties, now.properties);
  setResource(context, { ...old, ...restored });
  context.record({ ...now, ...restored }, 'UPDATE_COMPLETE');
  if (restored.physicalId !== now.physicalId) log.remove.push(() => removePhysical(context, now));
};

/**
 * Why a resource is deleted. `DeletionPolicy` means that the resource was removed from the template or the stack is deleted,
 * `UpdateReplacePolicy` that another resource replaced it, and `rollback` that its creation is rolled back.
 */
export type DeletionCause = 'DeletionPolicy' | 'UpdateReplacePolicy' | 'rollback';

/** Deletes a resource that is no longer wanted, unless its policy retains it. */
export const deleteResource = async (
  context: ChangeContext,
  resource: StackResource,
  cause: DeletionCause,
): Promise<void> => {
  const policy = resource.definition[cause === 'rollback' ? 'DeletionPolicy' : cause];
  if (policy === 'Retain' || (policy === 'RetainExceptOnCreate' && cause !== 'rollback')) {
    context.record(resource, 'DELETE_SKIPPED');
    if (cause !== 'UpdateReplacePolicy') context.stack.resources.delete(resource.logicalId);
    return;
  }
  if (cause === 'UpdateReplacePolicy') await removePhysical(context, resource);
  else await removeResource(context, resource);
};

const removeResource = async (context: ChangeContext, resource: StackResource): Promise<void> => {
  await removePhysical(context, resource);
  context.stack.resources.delete(resource.logicalId);
};

const removePhysical = async (context: ChangeContext, resource: StackResource): Promise<void> => {
  const { logicalId, type, physicalId, properties } = resource;
  context.record(resource, 'DELETE_IN_PROGRESS');
  try {
    const place = resourceContext(context, logicalId, type);
    permit(context, place, 'delete', { physicalId, properties });
    await context.provider(type).delete(place, physicalId, properties);
    context.record(resource, 'DELETE_COMPLETE');
  } catch (error) {
    context.record(resource, 'DELETE_FAILED', messageOf(error));
    throw error;
  }
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
