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
  /** Whether the operation adds tags of the stack to the resource, or removes some. */
  tags: { adds: boolean; removes: boolean };
  /** Returns a role to which the stack attaches a policy. */
  role(name: string): { arn: string; boundary: string | null };
}

/** The names of the properties that a change sets or changes. */
export const changedProperties = ({ verb, properties, oldProperties }: ChangedResource): string[] => {
  if (verb === 'create') return Object.keys(properties);
  return Object.keys({ ...properties, ...oldProperties }).filter(
    (name) => !isDeepStrictEqual(properties[name], oldProperties[name]),
  );
};
