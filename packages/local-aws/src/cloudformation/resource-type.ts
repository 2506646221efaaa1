import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { CreatedResource } from '../core/resource-provider.ts';
import { InvalidProperties, type Provider, type ResourceContext } from './provider.ts';

/** A resource type with a fixed list of properties. A property that is not in `properties` is an error. */
export interface ResourceType<Properties> {
  properties: z.ZodType<Properties>;
  /** The properties that cannot be changed in place. A new value of such a property replaces the resource. */
  replacedBy: string[];
  create(context: ResourceContext, properties: Properties): CreatedResource | Promise<CreatedResource>;
  update(
    context: ResourceContext,
    physicalId: string,
    properties: Properties,
    /** The properties before the update. A property that is missing from `properties` returns to its default value. */
    oldProperties: Properties,
  ): CreatedResource | Promise<CreatedResource>;
  delete(context: ResourceContext, physicalId: string, properties: Properties): void | Promise<void>;
}

/**
 * Creates the provider of a resource type. The provider checks properties, and decides between an update and a
 * replacement.
 */
export const defineResourceType = <Properties>(type: ResourceType<Properties>): Provider => {
  const parse = (context: ResourceContext, properties: Record<string, unknown>): Properties => {
    const parsed = type.properties.safeParse(properties);
    if (parsed.success) return parsed.data;
    throw new InvalidProperties(
      `Properties validation failed for ${context.resourceType}:\n${z.prettifyError(parsed.error)}`,
    );
  };
  return {
    create: (context, properties) => type.create(context, parse(context, properties)),
    update: (context, physicalId, properties, oldProperties) => {
      const parsed = parse(context, properties);
      const isReplaced = type.replacedBy.some(
        (name) => !isDeepStrictEqual(properties[name], oldProperties[name]),
      );
      if (isReplaced) return type.create(context, parsed);
      return type.update(context, physicalId, parsed, parse(context, oldProperties));
    },
    delete: (context, physicalId, properties) => type.delete(context, physicalId, parse(context, properties)),
  };
};

/** The schema of a property that is accepted but has no effect in the local AWS. */
export const inert = z.unknown().optional();

/** The schema of an integer property. Templates may also write the integer as a string. */
export const integer = z.coerce.number().int();

/** Returns the error of AWS for a name that is already in use. */
export const alreadyExists = (context: ResourceContext, name: string): Error =>
  new Error(`Resource of type '${context.resourceType}' with identifier '${name}' already exists.`);
