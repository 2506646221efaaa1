import { isDeepStrictEqual } from 'node:util';
import type { AccessQuestion } from '../core/access.ts';
import type { ResourceContext } from './provider.ts';

export type ResourceCall = Pick<AccessQuestion, 'action' | 'resource' | 'context'>;
export type Properties = Readonly<Record<string, unknown>>;

export interface ChangedResource {
  verb: 'create' | 'update' | 'delete' | 'import';
  place: ResourceContext;
  /** Null before the resource is created. */
  physicalId: string | null;
  properties: Properties;
  /** The properties before an update. */
  oldProperties: Properties;
  /** Whether the stack operation adds tags to the resource, and whether it removes tags. */
  tags: { adds: boolean; removes: boolean };
  /**
   * Returns the ARN of a role and of its permissions boundary, for a policy that the stack attaches to the
   * role.
   */
  role(name: string): { arn: string; boundary: string | null };
}

/** Returns the names of the properties that a change adds, changes or removes. */
export const changedProperties = ({ verb, properties, oldProperties }: ChangedResource): string[] => {
  if (verb === 'create') return Object.keys(properties);
  return Object.keys({ ...properties, ...oldProperties }).filter(
    (name) => !isDeepStrictEqual(properties[name], oldProperties[name]),
  );
};
