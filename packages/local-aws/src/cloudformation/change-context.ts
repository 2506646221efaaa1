import { randomInt } from 'node:crypto';
import type { Caller } from '../core/access.ts';
import type { ChangedResource, Properties } from './changed-resource.ts';
import type { AdoptedResource } from './deployment.ts';
import type { Permit } from './permit.ts';
import type { Provider, ResourceContext } from './provider.ts';
import type { ResourceStatus, Stack } from './stack.ts';

/** The context of one stack operation. */
export interface ChangeContext {
  stack: Stack;
  artifacts: string | null;
  /**
   * The caller of the stack operation. Objects are read and resources are changed with this caller's
   * permissions.
   */
  caller: Caller;
  permit: Permit;
  /** The tags of the stack before the operation. */
  oldTags: Record<string, string>;
  provider(type: string): Provider;
  /** By logical id, the existing resources that the operation imports into the stack. */
  adopted: Record<string, AdoptedResource>;
  record(
    resource: { logicalId: string; type: string; physicalId: string },
    status: ResourceStatus,
    reason?: string,
  ): void;
}

/** Throws an error unless the caller of the stack operation has the permissions that this change requires. */
export const permit = (
  { caller, permit: check, oldTags, stack }: ChangeContext,
  place: ResourceContext,
  verb: ChangedResource['verb'],
  change: { physicalId: string | null; properties: Properties; oldProperties?: Properties },
): void => {
  const before = verb === 'update' ? oldTags : {};
  const adds = Object.entries(stack.tags).some(([name, value]) => before[name] !== value);
  const removes = Object.keys(before).some((name) => !(name in stack.tags));
  check(caller, { oldProperties: {}, ...change, verb, place, tags: { adds, removes }, role: roleIn(stack) });
};

const roleIn =
  ({ resources, accountId }: Stack): ChangedResource['role'] =>
  (name) => {
    const role = [...resources.values()].find(({ physicalId }) => physicalId === name);
    const { Path = '/', PermissionsBoundary } = role?.properties ?? {};
    return {
      arn: `arn:aws:iam::${accountId}:role${String(Path)}${name}`,
      boundary: typeof PermissionsBoundary === 'string' ? PermissionsBoundary : null,
    };
  };

export const resourceContext = (
  context: ChangeContext,
  logicalId: string,
  resourceType: string,
): ResourceContext => {
  const { accountId, region, stackName, stackId } = context.stack;
  const suffix = Array.from({ length: 12 }, () => SUFFIX_LETTERS[randomInt(SUFFIX_LETTERS.length)]).join('');
  const generatedName = `${stackName}-${logicalId}-${suffix}`;
  const { artifacts, caller } = context;
  return { accountId, region, stackName, stackId, logicalId, resourceType, artifacts, caller, generatedName };
};

const SUFFIX_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
