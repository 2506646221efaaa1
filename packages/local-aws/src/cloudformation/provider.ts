import type { Caller } from '../core/access.ts';
import type { CreatedResource, ResourcePlace } from '../core/resource-provider.ts';

/** The stack, account, region and name of a resource. */
export interface ResourceContext extends ResourcePlace {
  stackName: string;
  stackId: string;
  logicalId: string;
  resourceType: string;
  /** The folder with the files that the template's S3 keys name, e.g. `.serverless`; null if the keys name objects in S3. */
  artifacts: string | null;
  /** The caller of the stack operation. Objects are read with this caller's permissions. */
  caller: Caller;
}

/**
 * Creates, updates and deletes resources of one type. Like {@link import('../core/resource-provider.ts').ResourceProvider}, but the
 * functions also receive the stack, and `update` and `delete` also receive the old properties.
 */
export interface Provider {
  create(
    context: ResourceContext,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  update(
    context: ResourceContext,
    physicalId: string,
    properties: Record<string, unknown>,
    oldProperties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  delete(
    context: ResourceContext,
    physicalId: string,
    properties: Record<string, unknown>,
  ): void | Promise<void>;
  /**
   * Takes an existing resource into a stack, without changing it. `identifier` has the properties that identify it, e.g. `TableName`.
   * A type without this function cannot be imported. Throws an error if the resource does not exist.
   */
  adopt?(
    context: ResourceContext,
    identifier: Record<string, string>,
  ): CreatedResource | Promise<CreatedResource>;
  /**
   * True for custom resources. If the creation of a custom resource fails, it must still be deleted. If its replacement is rolled back, it
   * gets one more update.
   */
  isCustom?: boolean;
}

/** The error of a resource that failed after it had received a physical id. */
export class ResourceFailure extends Error {
  override readonly name = 'ResourceFailure';
  readonly physicalId: string;

  constructor(message: string, physicalId: string) {
    super(message);
    this.physicalId = physicalId;
  }
}

/** The error for properties that the resource type does not have. It is thrown before the resource is changed. */
export class InvalidProperties extends Error {
  override readonly name = 'InvalidProperties';
}
