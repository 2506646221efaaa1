import type { Caller } from '../core/access.ts';
import type { CreatedResource, ResourcePlace } from '../core/resource-provider.ts';

/** The stack, place and name of a resource. */
export interface ResourceContext extends ResourcePlace {
  stackName: string;
  stackId: string;
  logicalId: string;
  resourceType: string;
  /** Folder with the files that the template's S3 keys name, e.g. `.serverless`; null: they are objects of S3. */
  artifacts: string | null;
  /** The caller of the stack operation, with whose permissions objects are read. */
  caller: Caller;
}

/**
 * One resource type, as {@link import('../core/resource-provider.ts').ResourceProvider}, plus what some types need as
 * well: the old properties, and the owner of the resource.
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
   * Whether a failed create leaves something that a delete must clear away, and a replacement is taken back by another
   * update: both are so for custom resources alone.
   */
  isCustom?: boolean;
}

/** A resource that failed after it had got a physical id. */
export class ResourceFailure extends Error {
  override readonly name = 'ResourceFailure';
  readonly physicalId: string;

  constructor(message: string, physicalId: string) {
    super(message);
    this.physicalId = physicalId;
  }
}

/** Properties that the type does not have: the resource was not touched. */
export class InvalidProperties extends Error {
  override readonly name = 'InvalidProperties';
}
